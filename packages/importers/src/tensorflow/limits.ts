import { ImportError } from '../shared/index.ts';

/** What the GraphDef reader accepts. Beyond any of them: ImportError `limit`, before memory is taken. */
export interface GraphDefLimits {
  /** Size of the file. Default 2^31 - 1, protobuf's own limit. */
  readonly maxBytes: number;
  /** Nodes, inputs and attributes together. Default 4 million. */
  readonly maxObjects: number;
  /**
   * Memory for constants that a file stores shorter than they are (`float_val: 0` for a million zeros). Default 1 GiB for a whole file:
   * a few bytes may ask for any amount.
   */
  readonly maxExpandedBytes: number;
}

const DEFAULTS: GraphDefLimits = { maxBytes: 2 ** 31 - 1, maxObjects: 4_000_000, maxExpandedBytes: 2 ** 30 };

/** Counts while one file is read. */
export class ReadBudget {
  readonly #limits: GraphDefLimits;
  #objects = 0;
  #expandedBytes = 0;

  constructor(limits: Partial<GraphDefLimits> | undefined, byteLength: number) {
    this.#limits = { ...DEFAULTS, ...limits };
    if (byteLength > this.#limits.maxBytes) {
      throw new ImportError('limit', `${byteLength} bytes exceed the limit of ${this.#limits.maxBytes}`);
    }
  }

  countObject(): void {
    if (++this.#objects > this.#limits.maxObjects) {
      throw new ImportError('limit', `more than ${this.#limits.maxObjects} nodes, inputs and attributes`);
    }
  }

  /** To be called before `bytes` are allocated for a constant. */
  expand(bytes: number): void {
    this.#expandedBytes += bytes;
    if (!(this.#expandedBytes <= this.#limits.maxExpandedBytes)) {
      throw new ImportError('limit', `constants need more than ${this.#limits.maxExpandedBytes} bytes`);
    }
  }
}
