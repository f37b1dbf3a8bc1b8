import type { Clock } from './scheduling.ts';

/** One timer that is set to a point in time again and again. */
export class Timer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #cancel: (() => void) | undefined;
  #timeNs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** Fires at `timeNs`, instead of when it was to fire before; Infinity: not at all. */
  set(timeNs: number, nowNs: number): void {
    if (timeNs === this.#timeNs) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#timeNs = timeNs;
    if (timeNs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.schedule(Math.max(0, (timeNs - nowNs) / 1e6), () => {
      this.#timeNs = Number.POSITIVE_INFINITY;
      this.#cancel = undefined;
      this.#callback();
    });
  }
}
