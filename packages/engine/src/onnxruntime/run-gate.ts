/**
 * Bounds how many native calls are on the thread pool at once, first come first served. The pool is also Node's own, for files and
 * compression, and koffi accepts only so many calls at a time.
 */
export class RunGate {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls `start` now or when its turn comes. `leave` is due when what it started is over. */
  enter(start: () => void): void {
    if (this.#running < this.#limit) {
      this.#running++;
      start();
    } else {
      this.#waiting.push(start);
    }
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
