import type { Clock } from '../inference/index.ts';

/**
 * Repeats a step until it says that nothing is left to do. A step that starts the loop again (an inline execution whose answer brings the next
 * request) does not nest. After `budgetMs` the rest waits for the next turn of the event loop: models that run inline must not starve
 * sockets and timers.
 */
export class DrainLoop {
  readonly #step: () => boolean;
  readonly #budgetNs: number;
  readonly #clock: Pick<Clock, 'nowNs'>;
  readonly #defer: (continuation: () => void) => void;
  #active = false;

  /** `step` returns whether it did something. */
  constructor(
    step: () => boolean,
    clock: Pick<Clock, 'nowNs'>,
    options: { budgetMs?: number; defer?: (continuation: () => void) => void } = {},
  ) {
    this.#step = step;
    this.#clock = clock;
    this.#budgetNs = (options.budgetMs ?? 5) * 1e6;
    this.#defer = options.defer ?? setImmediate;
  }

  kick(): void {
    if (this.#active) return;
    this.#active = true;
    this.#drain();
  }

  #drain(): void {
    let deadlineNs: number | undefined;
    let deferred = false;
    try {
      while (this.#step()) {
        // Most often there is one request only, and no reason to look at the clock.
        if (deadlineNs === undefined) {
          deadlineNs = this.#clock.nowNs() + this.#budgetNs;
        } else if (this.#clock.nowNs() > deadlineNs) {
          deferred = true;
          break;
        }
      }
    } finally {
      this.#active = deferred;
    }
    if (deferred) this.#defer(() => this.#drain());
  }
}
