import {
  type DataType,
  dataTypeByteSize,
  encodeBytesElements,
  isDataType,
  type NumericDataType,
} from '@nereid/protocol';
import { invalidArgument } from '../errors/index.ts';
import { bfloat16ToBits, float16ToBits } from './half.ts';
import type { BytesInput, DataInput } from './input.ts';

type ArrayConstructor = new (length: number) => { [index: number]: number | bigint } & ArrayBufferView;

interface NumericType {
  readonly typedArray: ArrayConstructor;
  /** Smallest and largest element; absent where every number may stand. */
  readonly range?: readonly [bigint, bigint];
}

const signed = (bits: number): readonly [bigint, bigint] => [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
const unsigned = (bits: number): readonly [bigint, bigint] => [0n, 2n ** BigInt(bits) - 1n];

const NUMERIC_TYPES: Readonly<Record<Exclude<NumericDataType, 'BOOL' | 'FP16' | 'BF16'>, NumericType>> = {
  UINT8: { typedArray: Uint8Array, range: unsigned(8) },
  UINT16: { typedArray: Uint16Array, range: unsigned(16) },
  UINT32: { typedArray: Uint32Array, range: unsigned(32) },
  UINT64: { typedArray: BigUint64Array as unknown as ArrayConstructor, range: unsigned(64) },
  INT8: { typedArray: Int8Array, range: signed(8) },
  INT16: { typedArray: Int16Array, range: signed(16) },
  INT32: { typedArray: Int32Array, range: signed(32) },
  INT64: { typedArray: BigInt64Array as unknown as ArrayConstructor, range: signed(64) },
  FP32: { typedArray: Float32Array },
  FP64: { typedArray: Float64Array },
};

/**
 * Contents of an input in the protocol's binary form: a view of a typed array, new memory for everything else. Checks data type, shape,
 * element kinds and the length. Throws InferenceServerError INVALID_ARG.
 */
export function inputContents(input: DataInput | BytesInput): Uint8Array {
  const { name, dataType, shape } = input;
  if (!isDataType(dataType)) throw invalidArgument(`input '${name}' has unknown data type '${String(dataType)}'`);
  const count = countElements(name, shape);
  if ('bytes' in input) {
    checkLength(input, input.bytes.byteLength, count);
    return input.bytes;
  }
  if (input.dataType === 'BYTES') {
    const elements = input.data;
    if (elements.length !== count) {
      throw invalidArgument(
        `input '${name}' of shape [${shape.join(',')}] needs ${count} elements, got ${elements.length}`,
      );
    }
    return encodeBytesElements(elements);
  }
  const contents = asBytes(toArray(input));
  checkLength(input, contents.byteLength, count);
  return contents;
}

/** Elements of a shape. Throws InferenceServerError INVALID_ARG for dimensions that are not integers from 0. */
export function countElements(name: string, shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0)
      throw invalidArgument(`input '${name}' has impossible shape [${shape.join(',')}]`);
    count *= dim;
  }
  if (!Number.isSafeInteger(count)) throw invalidArgument(`input '${name}' has impossible shape [${shape.join(',')}]`);
  return count;
}

function checkLength({ name, dataType, shape }: DataInput | BytesInput, byteLength: number, count: number): void {
  const needed = count * dataTypeByteSize(dataType);
  if (dataType === 'BYTES' || byteLength === needed) return;
  throw invalidArgument(
    `input '${name}' of type ${dataType} and shape [${shape.join(',')}] needs ${needed} bytes, got ${byteLength}`,
  );
}

function toArray(input: Exclude<DataInput, { dataType: 'BYTES' }>): ArrayBufferView {
  const { name, dataType, data } = input;
  switch (input.dataType) {
    case 'BOOL':
      return ArrayBuffer.isView(input.data) ? checkBooleans(name, input.data) : booleans(name, input.data);
    case 'FP16':
    case 'BF16':
      if (input.data instanceof Uint16Array) return input.data;
      checkNumbers(input);
      return dataType === 'FP16' ? float16ToBits(input.data) : bfloat16ToBits(input.data);
    default: {
      const type = NUMERIC_TYPES[input.dataType];
      if (data instanceof type.typedArray || (dataType === 'UINT8' && data instanceof Uint8ClampedArray)) {
        return data as ArrayBufferView;
      }
      return numbers(input, type);
    }
  }
}

function numbers({ name, dataType, data }: DataInput, { typedArray, range }: NumericType): ArrayBufferView {
  if (!Array.isArray(data)) throw wrongKind(name, dataType, data);
  const array = new typedArray(data.length);
  const isLong = dataType === 'INT64' || dataType === 'UINT64';
  data.forEach((value: unknown, index) => {
    if (!isElement(value, range, isLong)) throw wrongElement(name, dataType, index, value);
    array[index] = isLong ? BigInt(value) : value;
  });
  return array;
}

function isElement(value: unknown, range: NumericType['range'], isLong: boolean): value is number {
  if (range === undefined) return typeof value === 'number';
  if (typeof value === 'bigint') return isLong && value >= range[0] && value <= range[1];
  return Number.isSafeInteger(value) && (value as number) >= range[0] && (value as number) <= range[1];
}

function checkNumbers({ name, dataType, data }: DataInput): void {
  if (data instanceof Float32Array) return;
  if (!Array.isArray(data)) throw wrongKind(name, dataType, data);
  data.forEach((value: unknown, index) => {
    if (typeof value !== 'number') throw wrongElement(name, dataType, index, value);
  });
}

function booleans(name: string, values: readonly boolean[]): Uint8Array {
  if (!Array.isArray(values)) throw wrongKind(name, 'BOOL', values);
  return Uint8Array.from(values as readonly unknown[], (value, index) => {
    if (typeof value !== 'boolean') throw wrongElement(name, 'BOOL', index, value);
    return value ? 1 : 0;
  });
}

function checkBooleans(name: string, data: ArrayBufferView): ArrayBufferView {
  if (data instanceof Uint8Array) return data;
  throw wrongKind(name, 'BOOL', data);
}

function asBytes(array: ArrayBufferView): Uint8Array {
  return array instanceof Uint8Array ? array : new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function wrongKind(name: string, dataType: DataType, data: unknown): Error {
  const kind = (data as object | null | undefined)?.constructor?.name ?? typeof data;
  return invalidArgument(`input '${name}' of type ${dataType} cannot be given as ${kind}`);
}

function wrongElement(name: string, dataType: DataType, index: number, value: unknown): Error {
  return invalidArgument(`element ${index} of input '${name}' is no ${dataType}: ${String(value)}`);
}
