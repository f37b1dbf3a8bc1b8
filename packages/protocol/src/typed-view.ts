import { type DataType, dataTypeByteSize } from './data-type.ts';
import { StatusError } from './status.ts';
import type { Tensor } from './tensor.ts';

/** Array that holds a data type: FP16 and BF16 as their bit patterns, BOOL as one byte per element. */
export interface TypedArrayByDataType {
  readonly BOOL: Uint8Array;
  readonly UINT8: Uint8Array;
  readonly UINT16: Uint16Array;
  readonly UINT32: Uint32Array;
  readonly UINT64: BigUint64Array;
  readonly INT8: Int8Array;
  readonly INT16: Int16Array;
  readonly INT32: Int32Array;
  readonly INT64: BigInt64Array;
  readonly FP16: Uint16Array;
  readonly FP32: Float32Array;
  readonly FP64: Float64Array;
  readonly BF16: Uint16Array;
}

export type NumericDataType = keyof TypedArrayByDataType;
export type TensorArray = TypedArrayByDataType[NumericDataType];

type ArrayFactory = (buffer: ArrayBufferLike, byteOffset: number, length: number) => TensorArray;

const FACTORIES: Readonly<Record<NumericDataType, ArrayFactory>> = {
  BOOL: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
  UINT8: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
  UINT16: (buffer, offset, length) => new Uint16Array(buffer, offset, length),
  UINT32: (buffer, offset, length) => new Uint32Array(buffer, offset, length),
  UINT64: (buffer, offset, length) => new BigUint64Array(buffer, offset, length),
  INT8: (buffer, offset, length) => new Int8Array(buffer, offset, length),
  INT16: (buffer, offset, length) => new Int16Array(buffer, offset, length),
  INT32: (buffer, offset, length) => new Int32Array(buffer, offset, length),
  INT64: (buffer, offset, length) => new BigInt64Array(buffer, offset, length),
  FP16: (buffer, offset, length) => new Uint16Array(buffer, offset, length),
  FP32: (buffer, offset, length) => new Float32Array(buffer, offset, length),
  FP64: (buffer, offset, length) => new Float64Array(buffer, offset, length),
  BF16: (buffer, offset, length) => new Uint16Array(buffer, offset, length),
};

/** True for every data type but BYTES. */
export function isNumeric(dataType: DataType): dataType is NumericDataType {
  return dataType !== 'BYTES';
}

/**
 * Typed access to a tensor's contents: a view where the bytes are aligned to the element size, else a copy. Never write into it.
 * Throws StatusError INVALID_ARG for BYTES and for a length that is no multiple of the element size.
 */
export function typedView<Type extends NumericDataType>(
  tensor: Pick<Tensor, 'data'> & { readonly dataType: Type },
): TypedArrayByDataType[Type];
export function typedView(tensor: Tensor): TensorArray;
export function typedView(tensor: Pick<Tensor, 'data' | 'dataType'>): TensorArray {
  const { dataType, data } = tensor;
  if (!isNumeric(dataType)) throw new StatusError('INVALID_ARG', 'BYTES elements have no typed view');
  const size = dataTypeByteSize(dataType);
  if (data.byteLength % size !== 0) {
    throw new StatusError('INVALID_ARG', `${data.byteLength} bytes are no whole number of ${dataType} elements`);
  }
  const length = data.byteLength / size;
  if (data.byteOffset % size === 0) return FACTORIES[dataType](data.buffer, data.byteOffset, length);
  // Not data.slice(): a Buffer's slice is no copy.
  return FACTORIES[dataType](new Uint8Array(data).buffer, 0, length);
}
