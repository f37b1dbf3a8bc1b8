/**
 * Whether a client still wants its answer. Cheaper than an AbortSignal (one object, no event target) because every request has one.
 * A request that was cancelled is still answered exactly once, with a CANCELLED error or with the result that was ready first.
 */
export class Cancellation {
  #cancelled = false;
  #listeners: (() => void)[] | undefined;

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Runs the listeners once; later calls do nothing. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }

  /** Calls `listener` on cancellation, at once when that already happened. Returns how to stop listening. */
  onCancel(listener: () => void): () => void {
    if (this.#cancelled) {
      listener();
      return () => {};
    }
    this.#listeners ??= [];
    this.#listeners.push(listener);
    return () => {
      const index = this.#listeners?.indexOf(listener) ?? -1;
      if (index >= 0) this.#listeners?.splice(index, 1);
    };
  }
}
