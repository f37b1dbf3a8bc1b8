/** One at a time: every task waits for those before it. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Which models an operation is changing, so that another one on the same models waits and the others do not. */
export class ModelLocks {
  readonly #locks = new Map<string, Promise<void>>();

  /** Settles when the first of `keys` that is locked is free again; undefined when none is. */
  conflict(keys: Iterable<string>): Promise<void> | undefined {
    for (const key of keys) {
      const lock = this.#locks.get(key);
      if (lock !== undefined) return lock;
    }
    return undefined;
  }

  /** Locks `keys` until the returned function is called. */
  lock(keys: Iterable<string>): () => void {
    const held = [...keys];
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of held) this.#locks.set(key, promise);
    return () => {
      for (const key of held) this.#locks.delete(key);
      resolve();
    };
  }
}
