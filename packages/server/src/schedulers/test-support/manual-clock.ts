import type { Clock } from '../../inference/index.ts';

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #nowNs = 1e9;
  readonly #timers = new Set<{ readonly atNs: number; readonly callback: () => void }>();

  nowNs(): number {
    return this.#nowNs;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { atNs: this.#nowNs + delayMs * 1e6, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  advanceMs(ms: number): void {
    const endNs = this.#nowNs + ms * 1e6;
    for (let next = this.#due(endNs); next !== undefined; next = this.#due(endNs)) {
      this.#timers.delete(next);
      this.#nowNs = Math.max(this.#nowNs, next.atNs);
      next.callback();
    }
    this.#nowNs = endNs;
  }

  #due(endNs: number) {
    let first: { readonly atNs: number; readonly callback: () => void } | undefined;
    for (const timer of this.#timers)
      if (timer.atNs <= endNs && (first === undefined || timer.atNs < first.atNs)) first = timer;
    return first;
  }
}
