/** Work in pieces: true when there is none left. */
export type Slice = () => boolean;

interface Job {
  readonly slice: Slice;
  readonly done: (error: unknown) => void;
}

/** Bytes of JSON a slice reads or writes: a fraction of a millisecond. */
export const SLICE_BYTES = 65_536;
const TURN_MS = 1;

/**
 * Runs long work in slices, all jobs in turn, for about 1 ms in each turn of the event loop: however many large bodies are being read,
 * other requests wait no longer than that.
 */
export class SliceRunner {
  readonly #jobs: Job[] = [];
  #scheduled = false;

  /** `done` gets what the slice threw, or undefined. The first slice runs at once when nothing else waits. */
  run(slice: Slice, done: (error: unknown) => void): void {
    this.#jobs.push({ slice, done });
    if (!this.#scheduled) this.#turn();
  }

  #turn(): void {
    this.#scheduled = true;
    const deadline = performance.now() + TURN_MS;
    while (this.#jobs.length > 0 && performance.now() < deadline) this.#step(this.#jobs.shift()!);
    if (this.#jobs.length === 0) {
      this.#scheduled = false;
      return;
    }
    setImmediate(() => this.#turn());
  }

  #step(job: Job): void {
    let finished: boolean;
    try {
      finished = job.slice();
    } catch (error) {
      job.done(error);
      return;
    }
    if (finished) job.done(undefined);
    else this.#jobs.push(job);
  }
}
