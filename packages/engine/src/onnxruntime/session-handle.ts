import { EngineError } from './error.ts';

/** A session as a plain value, for `postMessage` to another thread of the same process. */
export interface SessionHandle {
  /** Address of the `OrtSession`. */
  readonly address: bigint;
  /** Counts the threads that use it. */
  readonly lifetime: SharedArrayBuffer;
  /** '' for none. */
  readonly arenaShrinkage: string;
}

/** Counts who uses a session, over all threads: the last one to leave frees it. */
export class SharedLifetime {
  readonly buffer: SharedArrayBuffer;
  readonly #users: Int32Array;

  /** Without a buffer: a new lifetime with one user. With one: joins it. Throws EngineError when everybody has left already. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(4);
    this.#users = new Int32Array(this.buffer);
    if (buffer === undefined) this.#users[0] = 1;
    else this.#join();
  }

  /** Returns true when this was the last user. */
  leave(): boolean {
    return Atomics.sub(this.#users, 0, 1) === 1;
  }

  #join(): void {
    for (;;) {
      const users = Atomics.load(this.#users, 0);
      if (users === 0) throw new EngineError('the session was released');
      if (Atomics.compareExchange(this.#users, 0, users, users + 1) === users) return;
    }
  }
}
