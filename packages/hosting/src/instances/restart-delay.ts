const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** An instance that was healthy for so long starts over with short delays. */
const STABLE_MS = 60_000;

/** How long to wait before starting a crashed instance again: at once the first time, then twice as long each time. */
export class RestartDelay {
  #failures = 0;

  /** `healthyMs` is how long the instance had been healthy before it went down; 0 when it never was. */
  next(healthyMs: number): number {
    if (healthyMs >= STABLE_MS) this.#failures = 0;
    // One that never came up is not restarted at once: it fails for a reason that a moment does not change.
    if (healthyMs === 0 && this.#failures === 0) this.#failures = 1;
    const delayMs = this.#failures === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (this.#failures - 1), MAX_DELAY_MS);
    this.#failures += 1;
    return delayMs;
  }
}
