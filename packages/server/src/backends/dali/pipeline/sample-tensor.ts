/// <reference lib="esnext.float16" />
import type { ImageKernels } from '@nereid/engine/image';
import { type ElementType, elementByteSize } from '../format/index.ts';

export type ElementArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float16Array
  | Float32Array
  | Float64Array;

/** Typed arrays by element type; BOOL is a byte of 0 or 1. */
const ARRAYS = {
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FLOAT16: Float16Array,
  FLOAT: Float32Array,
  FLOAT64: Float64Array,
  BOOL: Uint8Array,
} as const;

export function viewElements(type: ElementType, bytes: Uint8Array): ElementArray {
  const size = elementByteSize(type);
  // A sample inside a request need not be aligned; a copy of it is.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new ARRAYS[type](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}

/** Memory of one or more tensors: a counted block of kernel memory, or bytes that somebody else owns. */
export class Storage {
  readonly byteLength: number;
  readonly #kernels: ImageKernels | undefined;
  readonly #external: Uint8Array | undefined;
  /** Address in kernel memory; 0 for external bytes. */
  readonly address: number;
  #references = 1;

  private constructor(
    byteLength: number,
    kernels: ImageKernels | undefined,
    address: number,
    external: Uint8Array | undefined,
  ) {
    this.byteLength = byteLength;
    this.#kernels = kernels;
    this.address = address;
    this.#external = external;
  }

  /** Takes over a block of kernel memory. */
  static own(kernels: ImageKernels, address: number, byteLength: number): Storage {
    return new Storage(byteLength, kernels, address, undefined);
  }

  static borrow(bytes: Uint8Array): Storage {
    return new Storage(bytes.length, undefined, 0, bytes);
  }

  /** Valid until the next allocation. */
  bytes(): Uint8Array {
    return this.#external ?? this.#kernels!.bytes(this.address, this.byteLength);
  }

  retain(): void {
    this.#references += 1;
  }

  /** Frees the block with the last reference. */
  release(): void {
    this.#references -= 1;
    if (this.#references === 0 && this.#kernels !== undefined) this.#kernels.free(this.address);
  }
}

/** One sample of a batch: a dense tensor without the batch dimension, row-major. `layout` names its dimensions (`HWC`) or is empty. */
export class SampleTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly layout: string;
  readonly storage: Storage;

  constructor(type: ElementType, shape: readonly number[], layout: string, storage: Storage) {
    this.type = type;
    this.shape = shape;
    this.layout = layout;
    this.storage = storage;
  }

  static borrow(type: ElementType, shape: readonly number[], layout: string, bytes: Uint8Array): SampleTensor {
    return new SampleTensor(type, shape, layout, Storage.borrow(bytes));
  }

  get elementCount(): number {
    return volume(this.shape);
  }

  get byteLength(): number {
    return this.elementCount * elementByteSize(this.type);
  }

  bytes(): Uint8Array {
    return this.storage.bytes().subarray(0, this.byteLength);
  }

  /** Valid until the next allocation. */
  elements(): ElementArray {
    return viewElements(this.type, this.bytes());
  }

  /** The elements as numbers; for small tensors that hold arguments. */
  numbers(): number[] {
    return Array.from(this.elements() as Iterable<number | bigint>, Number);
  }

  /** The same memory seen differently. */
  alias(change: {
    readonly type?: ElementType;
    readonly shape?: readonly number[];
    readonly layout?: string;
  }): SampleTensor {
    this.storage.retain();
    return new SampleTensor(
      change.type ?? this.type,
      change.shape ?? this.shape,
      change.layout ?? this.layout,
      this.storage,
    );
  }

  release(): void {
    this.storage.release();
  }
}

export function volume(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
