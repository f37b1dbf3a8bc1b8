/** How a session runs: `inline` on the calling thread, `async` on the thread pool, `auto` by measurement. */
export type RunMode = 'inline' | 'async' | 'auto';

/** A run shorter than this is cheaper than the hop to another thread and back. */
const INLINE_BELOW_MS = 0.15;
/** An inline run that takes longer than this on average goes back to the thread pool. The gap keeps the choice from flapping. */
const ASYNC_ABOVE_MS = 0.3;
/** An asynchronous run this short, hop included, makes an inline trial worth its risk. */
const TRIAL_BELOW_MS = 1;
const FIRST_TRIAL_AFTER_RUNS = 2;
const MAX_TRIAL_AFTER_RUNS = 4096;
const SMOOTHING = 1 / 8;
/** Sizes up to this one are 32-bit integers. */
const MAX_WORD = 2 ** 31;
/** One sample counts at most this much: a run that the operating system interrupted says nothing about the model. */
const MAX_SAMPLE_MS = 4 * ASYNC_ABOVE_MS;

interface Measurement {
  inline: boolean;
  meanMs: number;
  /** Asynchronous runs since the last decision, and the shortest of them. */
  asyncRuns: number;
  shortestMs: number;
  /** Asynchronous runs before the next trial; doubles when a trial fails. */
  trialAfterRuns: number;
}

/**
 * Decides run by run whether a model runs inline. Sizes are measured apart, by powers of two, because a batch of 64 may be long where a batch
 * of 1 is short; within a factor of two the gap between the thresholds evens out the difference.
 * Every size starts on the thread pool, so an unknown model never blocks the event loop.
 */
export class RunPolicy {
  readonly #mode: RunMode;
  /** Indexed by the power of two that holds the size. */
  readonly #sizes: (Measurement | undefined)[] = [];

  constructor(mode: RunMode) {
    this.#mode = mode;
  }

  /** `size`: bytes of all inputs. */
  runsInline(size: number): boolean {
    if (this.#mode !== 'auto') return this.#mode === 'inline';
    const measurement = this.#sizes[magnitude(size)];
    if (measurement === undefined) return false;
    return (
      measurement.inline ||
      (measurement.asyncRuns >= measurement.trialAfterRuns && measurement.shortestMs < TRIAL_BELOW_MS)
    );
  }

  recordInline(size: number, elapsedMs: number): void {
    const measurement = this.#measurement(size);
    if (!measurement.inline) {
      this.#endTrial(measurement, elapsedMs);
      return;
    }
    measurement.meanMs += SMOOTHING * (Math.min(elapsedMs, MAX_SAMPLE_MS) - measurement.meanMs);
    if (measurement.meanMs > ASYNC_ABOVE_MS) leaveInline(measurement);
  }

  /** `elapsedMs`: from the call to its completion, hop included. */
  recordAsync(size: number, elapsedMs: number): void {
    const measurement = this.#measurement(size);
    measurement.asyncRuns++;
    measurement.shortestMs = Math.min(measurement.shortestMs, elapsedMs);
  }

  #endTrial(measurement: Measurement, elapsedMs: number): void {
    if (elapsedMs < INLINE_BELOW_MS) {
      measurement.inline = true;
      measurement.meanMs = elapsedMs;
    } else {
      leaveInline(measurement);
    }
  }

  #measurement(size: number): Measurement {
    const known = this.#sizes[magnitude(size)];
    if (known !== undefined) return known;
    const measurement = {
      inline: false,
      meanMs: 0,
      asyncRuns: 0,
      shortestMs: Number.POSITIVE_INFINITY,
      trialAfterRuns: FIRST_TRIAL_AFTER_RUNS,
    };
    this.#sizes[magnitude(size)] = measurement;
    return measurement;
  }
}

function leaveInline(measurement: Measurement): void {
  measurement.inline = false;
  measurement.asyncRuns = 0;
  measurement.shortestMs = Number.POSITIVE_INFINITY;
  measurement.trialAfterRuns = Math.min(2 * measurement.trialAfterRuns, MAX_TRIAL_AFTER_RUNS);
}

function magnitude(size: number): number {
  if (size <= 1) return 0;
  return size <= MAX_WORD ? 32 - Math.clz32(size - 1) : Math.ceil(Math.log2(size));
}
