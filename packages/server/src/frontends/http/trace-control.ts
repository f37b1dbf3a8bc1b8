import { StatusError } from '@nereid/protocol';

export type TraceLevel = 'TIMESTAMPS' | 'TENSORS';

/** Triton's trace settings. */
export interface TraceSettings {
  /** Empty: tracing is off. */
  readonly levels: readonly TraceLevel[];
  /** Of so many requests one is traced. */
  readonly rate: number;
  /** Traces left to take; -1 without end. */
  readonly count: number;
  /** Traces after which a new file is begun; 0: never. */
  readonly logFrequency: number;
  readonly file: string;
  readonly mode: 'triton' | 'opentelemetry';
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
  settings(model: string): TraceSettings;
  /** Throws StatusError with Triton's texts. */
  update(model: string, change: TraceChange): void;
}

type Changeable = Pick<TraceSettings, 'levels' | 'rate' | 'count' | 'logFrequency'>;

const DEFAULT_TRACE_SETTINGS: TraceSettings = {
  levels: [],
  rate: 1000,
  count: -1,
  logFrequency: 0,
  file: '',
  mode: 'triton',
};

/** Keeps trace settings. A model has those of its own that were set for it, and the global ones else. */
export class TraceSettingsStore implements TraceControl {
  readonly #initial: TraceSettings;
  #global: Partial<Changeable> = {};
  readonly #models = new Map<string, Partial<Changeable>>();

  constructor(initial: Partial<TraceSettings> = {}) {
    this.#initial = { ...DEFAULT_TRACE_SETTINGS, ...initial };
  }

  settings(model: string): TraceSettings {
    return { ...this.#initial, ...this.#global, ...this.#models.get(model) };
  }

  update(model: string, change: TraceChange): void {
    const own = model === '' ? this.#global : (this.#models.get(model) ?? {});
    const changed = merge(own, change);
    const result = { ...this.#initial, ...this.#global, ...changed };
    if (result.levels.length > 0 && result.mode === 'triton' && result.file === '') {
      throw new StatusError('INVALID_ARG', 'Attempting to set invalid trace setting :trace file name is not given');
    }
    if (model === '') this.#global = changed;
    else this.#models.set(model, changed);
  }
}

function merge(own: Partial<Changeable>, change: TraceChange): Partial<Changeable> {
  const merged: Record<string, unknown> = { ...own };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
}
