import type { DataType } from '@nereid/protocol';

/**
 * What may hold an input's elements, row-major, by data type. Typed arrays of the type itself are sent as they are; plain arrays are checked
 * and converted. BOOL bytes are 0 or 1. A Uint16Array is FP16's or BF16's bit patterns; numbers are rounded to them. Strings become UTF-8.
 */
export interface InputDataByType {
  readonly BOOL: Uint8Array | readonly boolean[];
  readonly UINT8: Uint8Array | Uint8ClampedArray | readonly number[];
  readonly UINT16: Uint16Array | readonly number[];
  readonly UINT32: Uint32Array | readonly number[];
  readonly UINT64: BigUint64Array | readonly (bigint | number)[];
  readonly INT8: Int8Array | readonly number[];
  readonly INT16: Int16Array | readonly number[];
  readonly INT32: Int32Array | readonly number[];
  readonly INT64: BigInt64Array | readonly (bigint | number)[];
  readonly FP16: Uint16Array | Float32Array | readonly number[];
  readonly BF16: Uint16Array | Float32Array | readonly number[];
  readonly FP32: Float32Array | readonly number[];
  readonly FP64: Float64Array | readonly number[];
  readonly BYTES: readonly (string | Uint8Array)[];
}

interface Declared {
  readonly name: string;
  /** Full shape; with models that batch the first dimension is the batch. */
  readonly shape: readonly number[];
}

/** An input given by its elements; the array's kind goes with the data type. */
export type DataInput = {
  [Type in DataType]: Declared & { readonly dataType: Type; readonly data: InputDataByType[Type] };
}[DataType];

/** An input given by its contents in the protocol's binary form: little-endian, BYTES with a uint32 length before each element. */
export interface BytesInput extends Declared {
  readonly dataType: DataType;
  readonly bytes: Uint8Array;
}

/** A part of a registered shared-memory region. */
export interface SharedMemoryRange {
  readonly region: string;
  readonly byteSize: number;
  /** Bytes from the region's start; 0 when absent. */
  readonly offset?: number;
}

/** An input that the server reads from shared memory. */
export interface SharedMemoryInput extends Declared {
  readonly dataType: DataType;
  readonly sharedMemory: SharedMemoryRange;
}

export type InferInput = DataInput | BytesInput | SharedMemoryInput;
