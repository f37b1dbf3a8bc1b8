import { Fifo } from '../../inference/index.ts';

/** Time for new requests in one turn of the event loop. */
const BUDGET_MS = 0.5;

/**
 * Bounds how long one turn of the event loop takes new requests in; the rest waits for the next turns, first come first served. A flood of
 * requests that are all ready at once would otherwise be one long turn, in which no result of a running model is noticed and no next batch
 * starts: under overload the server would refuse at full speed and compute next to nothing.
 */
export class TurnBudget {
  readonly #now: () => number;
  readonly #waiting = new Fifo<() => void>();
  #turnStartMs = 0;
  #inTurn = false;

  /** @param now milliseconds, monotonic */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs `work` at once or in a later turn. */
  run(work: () => void): void {
    if (!this.#inTurn) {
      this.#inTurn = true;
      this.#turnStartMs = this.#now();
      setImmediate(this.#nextTurn);
    }
    if (this.#waiting.length === 0 && this.#hasTime()) work();
    else this.#waiting.push(work);
  }

  #hasTime(): boolean {
    return this.#now() - this.#turnStartMs < BUDGET_MS;
  }

  readonly #nextTurn = (): void => {
    if (this.#waiting.length === 0) {
      this.#inTurn = false;
      return;
    }
    this.#turnStartMs = this.#now();
    setImmediate(this.#nextTurn);
    this.#takeNext();
  };

  /** One at a time: what a request does in callbacks of its own has run before the time is looked at again. */
  readonly #takeNext = (): void => {
    if (!this.#hasTime()) return;
    const work = this.#waiting.shift();
    if (work === undefined) return;
    process.nextTick(this.#takeNext);
    work();
  };
}
