/** Time for all steps together in one turn of the event loop. */
const TURN_MS = 1;

interface Job {
  readonly step: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Runs long loops in steps, all of them in turn, for about 1 ms in each turn of the event loop. One per thread. */
export class StepRunner {
  readonly #jobs: Job[] = [];
  #scheduled = false;

  /** Calls `step`, a fraction of a millisecond's work, until it answers true. Rejects with what it throws. The first call is in a later turn. */
  run(step: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ step, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#jobs.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  #turn(): void {
    const deadline = performance.now() + TURN_MS;
    do {
      const job = this.#jobs.shift();
      if (job === undefined) return;
      this.#step(job);
    } while (performance.now() < deadline);
  }

  #step(job: Job): void {
    try {
      if (job.step()) job.resolve();
      else this.#jobs.push(job);
    } catch (error) {
      job.reject(error);
    }
  }
}
