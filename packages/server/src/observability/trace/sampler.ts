import type { TraceSettings } from './settings.ts';

/** Chooses requests by one set of settings. */
export class TraceSampler {
  readonly settings: TraceSettings;
  /** Why nothing is traced by these settings; undefined: something may be. */
  readonly fault: string | undefined;
  #left: number;
  #seen = 0;
  #collected = 0;

  constructor(settings: TraceSettings) {
    this.settings = settings;
    this.fault = faultOf(settings);
    this.#left = settings.count;
  }

  /** The settings as they are now: `count` is what is left. */
  get current(): TraceSettings {
    return { ...this.settings, count: this.#left };
  }

  /** False: no request is traced. */
  get enabled(): boolean {
    if (this.settings.levels.length === 0) return false;
    return this.fault === undefined || this.settings.mode === 'opentelemetry';
  }

  /** Whether the traces that were asked for are all there: Triton writes them to a file of their own then. */
  get isComplete(): boolean {
    return this.#left === 0 && this.#collected === this.#seen;
  }

  /** Counts a request; true when it is to be traced. `forced`: it brings a trace with it. */
  sample(forced: boolean): boolean {
    if (!this.enabled) return false;
    let hit = false;
    if (this.settings.rate !== 0) {
      if (this.#left === 0 && !forced) return false;
      hit = ++this.#seen % this.settings.rate === 0 && this.#left !== 0;
      if (hit && this.#left > 0) this.#left--;
    }
    return hit || forced;
  }

  /** A trace is there. */
  collect(): void {
    this.#collected++;
  }
}

function faultOf({ levels, rate, mode, file }: TraceSettings): string | undefined {
  if (levels.length === 0) return 'tracing is disabled';
  if (rate === 0) return 'sample rate must be non-zero';
  if (mode === 'triton' && file === '') return 'trace file name is not given';
  return undefined;
}
