import type { OrtApi, Pointer } from './api.ts';
import { EngineError } from './error.ts';
import type { RunGate } from './run-gate.ts';
import type { StepRunner } from './step-runner.ts';

/** What takes longer than this many bytes of copying, or this many strings, is done off the calling thread or in steps. */
const LONG_BYTES = 1024 * 1024;
const LONG_STRING_BYTES = 128 * 1024;
const LONG_STRING_COUNT = 8192;

export function isLongCopy(bytes: number): boolean {
  return bytes > LONG_BYTES;
}

export function isLongStringTensor(count: number, bytes: number): boolean {
  return count > LONG_STRING_COUNT || bytes > LONG_STRING_BYTES;
}

/** Where work is done that would hold the calling thread for milliseconds: native calls on the thread pool, loops in steps. */
export class LongWork {
  readonly #gate: RunGate;
  readonly #steps: StepRunner;

  constructor(gate: RunGate, steps: StepRunner) {
    this.#gate = gate;
    this.#steps = steps;
  }

  /**
   * A native call on the thread pool: `start` makes it, its callback gets what the call answered. Memory that the call uses must be referenced
   * from elsewhere until then. Rejects with EngineError.
   */
  call<R>(start: (callback: (error: unknown, result: R) => void) => void): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#gate.enter(() => {
        start((error, result) => {
          this.#gate.leave();
          if (error) reject(new EngineError('ONNX Runtime could not be called', { cause: error }));
          else resolve(result);
        });
      });
    });
  }

  /** Copies between typed arrays and native memory. Both must be referenced from elsewhere until it is done. */
  async copy(
    api: OrtApi,
    destination: Uint8Array | Pointer,
    source: Uint8Array | Pointer,
    bytes: number,
  ): Promise<void> {
    await this.call<unknown>((done) => api.cLibrary.copyAsync(destination, source, bytes, done));
  }

  /** Calls `step` until it answers true, other work in between. Rejects with what it throws. */
  steps(step: () => boolean): Promise<void> {
    return this.#steps.run(step);
  }
}
