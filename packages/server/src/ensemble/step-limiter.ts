import type { Runnable } from '../inference/index.ts';

/**
 * Bounds how many executions of each step run at a time, over all requests of an ensemble (`max_inflight_requests`). A decoupled step may answer
 * thousands of times; the steps behind it take the answers up at this pace, in order.
 */
export class StepLimiter {
  readonly #limit: number;
  readonly #running: number[];
  readonly #waiting: Runnable[][];
  #draining = false;

  constructor(stepCount: number, limit: number) {
    this.#limit = limit;
    this.#running = new Array<number>(stepCount).fill(0);
    this.#waiting = Array.from({ length: stepCount }, () => []);
  }

  /** Runs `launch` now, or when an execution of the step is over. */
  enter(step: number, launch: Runnable): void {
    this.#waiting[step]!.push(launch);
    this.#drain(step);
  }

  /** An execution of the step is over. */
  leave(step: number): void {
    this.#running[step]!--;
    this.#drain(step);
  }

  #drain(step: number): void {
    // A launch that fails at once leaves inside this loop.
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#running[step]! < this.#limit) {
        const launch = this.#waiting[step]!.shift();
        if (launch === undefined) return;
        this.#running[step]!++;
        launch.run();
      }
    } finally {
      this.#draining = false;
    }
  }
}
