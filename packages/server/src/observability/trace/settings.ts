import { StatusError } from '@nereid/protocol';
import { TraceSampler } from './sampler.ts';

export type TraceLevel = 'TIMESTAMPS' | 'TENSORS';

/** Triton's trace settings. */
export interface TraceSettings {
  /** Empty: tracing is off. */
  readonly levels: readonly TraceLevel[];
  /** Of so many requests one is traced; 0: only those that bring a trace with them (OpenTelemetry). */
  readonly rate: number;
  /** Traces left to take; -1 without end. */
  readonly count: number;
  /** Traces after which a new file is begun; 0: never. */
  readonly logFrequency: number;
  readonly file: string;
  readonly mode: 'triton' | 'opentelemetry';
  /** `--trace-config opentelemetry,<setting>=<value>`: url, resource, bsp_… */
  readonly openTelemetry: ReadonlyMap<string, string>;
}

/** A change of settings: undefined leaves one as it is, null gives it back to the global value or the start value. */
export interface TraceChange {
  readonly levels?: readonly TraceLevel[] | null;
  readonly rate?: number | null;
  readonly count?: number | null;
  readonly logFrequency?: number | null;
}

/** Trace settings, global ('') and by model. */
export interface TraceControl {
  /** `count` is what is left of it. */
  settings(model: string): TraceSettings;
  /** Throws StatusError with Triton's texts. */
  update(model: string, change: TraceChange): void;
}

type Changeable = Pick<TraceSettings, 'levels' | 'rate' | 'count' | 'logFrequency'>;

export const DEFAULT_TRACE_SETTINGS: TraceSettings = {
  levels: [],
  rate: 1000,
  count: -1,
  logFrequency: 0,
  file: '',
  mode: 'triton',
  openTelemetry: new Map(),
};

/**
 * Keeps trace settings, and counts requests by them. A model has the settings that were set for it, and the global ones else; every change
 * begins to count anew, as in Triton.
 */
export class TraceSettingsStore implements TraceControl {
  readonly #initial: TraceSettings;
  readonly #replaced: (sampler: TraceSampler) => void;
  #globalChange: Partial<Changeable> = {};
  #global: TraceSampler;
  readonly #changes = new Map<string, Partial<Changeable>>();
  readonly #models = new Map<string, TraceSampler>();
  #active = false;

  /** `replaced`: told of samplers that are not used any more. */
  constructor(initial: Partial<TraceSettings> = {}, replaced: (sampler: TraceSampler) => void = () => {}) {
    this.#initial = { ...DEFAULT_TRACE_SETTINGS, ...initial };
    this.#replaced = replaced;
    this.#global = new TraceSampler(this.#initial);
    this.#noteActivity();
  }

  /** False when no request of any model can be traced. */
  get active(): boolean {
    return this.#active;
  }

  settings(model: string): TraceSettings {
    return this.sampler(model).current;
  }

  sampler(model: string): TraceSampler {
    return this.#models.get(model) ?? this.#global;
  }

  *samplers(): Iterable<TraceSampler> {
    yield this.#global;
    yield* this.#models.values();
  }

  update(model: string, change: TraceChange): void {
    if (model === '') this.#updateGlobal(change);
    else this.#updateModel(model, merge(this.#changes.get(model) ?? {}, change));
    this.#noteActivity();
  }

  #updateGlobal(change: TraceChange): void {
    const changed = merge(this.#globalChange, change);
    const sampler = checked({ ...this.#initial, ...changed });
    this.#replaced(this.#global);
    this.#globalChange = changed;
    this.#global = sampler;
    // Models that take some of their settings from the global ones follow.
    for (const [model, own] of [...this.#changes]) this.#updateModel(model, own);
  }

  #updateModel(model: string, own: Partial<Changeable>): void {
    const hasOwn = Object.keys(own).length > 0;
    const sampler = hasOwn ? checked({ ...this.#initial, ...this.#globalChange, ...own }) : undefined;
    const before = this.#models.get(model);
    if (before !== undefined) this.#replaced(before);
    if (sampler === undefined) {
      this.#changes.delete(model);
      this.#models.delete(model);
    } else {
      this.#changes.set(model, own);
      this.#models.set(model, sampler);
    }
  }

  #noteActivity(): void {
    this.#active = [...this.samplers()].some((sampler) => sampler.enabled);
  }
}

/** Throws StatusError INVALID_ARG for settings by which nothing can be traced although they turn tracing on. */
function checked(settings: TraceSettings): TraceSampler {
  const sampler = new TraceSampler(settings);
  if (settings.levels.length > 0 && sampler.fault !== undefined) {
    throw new StatusError('INVALID_ARG', `Attempting to set invalid trace setting :${sampler.fault}`);
  }
  return sampler;
}

function merge(own: Partial<Changeable>, change: TraceChange): Partial<Changeable> {
  const merged: Record<string, unknown> = { ...own };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
}
