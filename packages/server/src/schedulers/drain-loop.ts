/**
 * Repeats a step until it says that nothing is left to do. A step that starts the loop again (an inline execution whose answer brings the next
 * request) does not nest. After `budgetMs` the rest waits for the next turn of the event loop: models that run inline must not starve
 * sockets and timers.
 */
export class DrainLoop {
  readonly #step: () => boolean;
  readonly #budgetMs: number;
  readonly #defer: (continuation: () => void) => void;
  #active = false;

  /** `step` returns whether it did something. */
  constructor(step: () => boolean, options: { budgetMs?: number; defer?: (continuation: () => void) => void } = {}) {
    this.#step = step;
    this.#budgetMs = options.budgetMs ?? 5;
    this.#defer = options.defer ?? setImmediate;
  }

  kick(): void {
    if (this.#active) return;
    this.#active = true;
    this.#drain();
  }

  #drain(): void {
    let deadline = 0;
    let deferred = false;
    try {
      while (this.#step()) {
        // Most often there is one request only, and no reason to look at the clock.
        if (deadline === 0) {
          deadline = performance.now() + this.#budgetMs;
        } else if (performance.now() > deadline) {
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
