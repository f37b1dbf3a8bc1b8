import type { Clock } from './scheduling.ts';

/** A unit of work; an object rather than a closure because there is one per request. */
export interface Runnable {
  run(): void;
}

/**
 * Runs work in the order it was handed in, never nested: work handed in while other work runs waits until that has returned. Chains of
 * models that answer inline (10,000 steps, ensembles inside ensembles) therefore use no stack. After `budgetMs` of work in one go the rest
 * waits for the next turn of the event loop, so sockets and timers are served in between.
 */
export class WorkQueue {
  readonly #budgetNs: number;
  readonly #clock: Pick<Clock, 'nowNs'>;
  readonly #defer: (continuation: () => void) => void;
  #waiting: Runnable[] = [];
  #next = 0;
  #running = false;
  #deferred = false;

  constructor(
    clock: Pick<Clock, 'nowNs'>,
    options: { budgetMs?: number; defer?: (continuation: () => void) => void } = {},
  ) {
    this.#clock = clock;
    this.#budgetNs = (options.budgetMs ?? 5) * 1e6;
    this.#defer = options.defer ?? setImmediate;
  }

  run(work: Runnable): void {
    if (this.#running || this.#deferred) {
      this.#waiting.push(work);
      return;
    }
    this.#running = true;
    try {
      work.run();
    } finally {
      this.#running = false;
      if (this.#next < this.#waiting.length) this.#drain();
    }
  }

  #drain(): void {
    const deadlineNs = this.#clock.nowNs() + this.#budgetNs;
    this.#running = true;
    try {
      while (this.#next < this.#waiting.length) {
        const work = this.#waiting[this.#next++]!;
        work.run();
        if (this.#clock.nowNs() > deadlineNs) break;
      }
    } finally {
      this.#running = false;
      this.#settle();
    }
  }

  #settle(): void {
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
      return;
    }
    if (this.#next > 1024) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    this.#deferred = true;
    this.#defer(() => {
      this.#deferred = false;
      this.#drain();
    });
  }
}
