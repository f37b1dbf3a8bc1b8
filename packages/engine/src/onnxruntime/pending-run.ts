import type { EngineTensor } from './tensor.ts';

/** A run on the thread pool. */
export class PendingRun {
  /** The outputs, in the order they were asked for. Rejects with OnnxRuntimeError or EngineError. */
  readonly result: Promise<readonly EngineTensor[]>;
  readonly #terminate: () => void;

  constructor(result: Promise<readonly EngineTensor[]>, terminate: () => void) {
    this.result = result;
    this.#terminate = terminate;
  }

  /**
   * Asks the run to stop: it ends with an OnnxRuntimeError at the next node of the graph, or with its result when it was done first.
   * Does nothing when it is over.
   */
  terminate(): void {
    this.#terminate();
  }
}
