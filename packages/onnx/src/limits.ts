import { OnnxError } from './onnx-error.ts';

/** What a reader accepts; each limit is checked before memory is taken. */
export interface ReadLimits {
  /** Size of the file. Default 2^31 - 1, protobuf's own limit. Beyond: OnnxError `limit`. */
  readonly maxBytes: number;
  /** Graphs within attributes, types within types. Default 100, like protobuf's readers. Beyond: OnnxError `limit`. */
  readonly maxDepth: number;
  /** Nodes, tensors, attributes, values together. Default 4 million: an empty node takes two bytes in a file but a hundred in memory. */
  readonly maxObjects: number;
}

export const MAX_PROTOBUF_BYTES = 2 ** 31 - 1;

const DEFAULTS: ReadLimits = { maxBytes: MAX_PROTOBUF_BYTES, maxDepth: 100, maxObjects: 4_000_000 };

/** Counts while one model is read. */
export class ReadBudget {
  readonly #limits: ReadLimits;
  #objects = 0;
  #depth = 0;

  constructor(limits: Partial<ReadLimits> | undefined, byteLength: number) {
    this.#limits = { ...DEFAULTS, ...limits };
    if (byteLength > this.#limits.maxBytes) {
      throw new OnnxError('limit', `read ONNX model: ${byteLength} bytes exceed the limit of ${this.#limits.maxBytes}`);
    }
  }

  countObject(): void {
    if (++this.#objects > this.#limits.maxObjects) {
      throw new OnnxError('limit', `read ONNX model: more than ${this.#limits.maxObjects} objects`);
    }
  }

  /** Runs `read` one level deeper. */
  nested<Result>(read: () => Result): Result {
    if (++this.#depth > this.#limits.maxDepth) {
      throw new OnnxError('limit', `read ONNX model: nested deeper than ${this.#limits.maxDepth}`);
    }
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }
}
