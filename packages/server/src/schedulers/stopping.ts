/** Refuse new work, settle when the work in flight is done. */
export class Stopping {
  readonly #inflightCount: () => number;
  #stopped: PromiseWithResolvers<void> | undefined;

  constructor(inflightCount: () => number) {
    this.#inflightCount = inflightCount;
  }

  get requested(): boolean {
    return this.#stopped !== undefined;
  }

  request(): Promise<void> {
    this.#stopped ??= Promise.withResolvers<void>();
    this.check();
    return this.#stopped.promise;
  }

  /** Call whenever the count may have become zero. */
  check(): void {
    if (this.#stopped !== undefined && this.#inflightCount() === 0) this.#stopped.resolve();
  }
}
