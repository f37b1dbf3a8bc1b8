import {
  type DataType,
  dataTypeByteSize,
  encodeBytesElements,
  JsonDouble,
  type JsonValue,
  StatusError,
  type Tensor,
} from '@nereid/protocol';

const MAX_DEPTH = 100;
const MAX_INT64 = 9223372036854775807n;

/**
 * A value of a generate request as a tensor: one element, or those of an array. `dims` is the shape the model's metadata shows; dimensions
 * that are known are filled first, then the innermost variable one takes what is left and the others are 1.
 *
 * Throws StatusError with Triton's texts.
 */
export function generateInput(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  value: JsonValue,
  budget: { usedBytes: number; readonly maxBytes: number },
): Tensor {
  const elements = flatten(value, dataType);
  const count = Array.isArray(value) ? value.length : 1;
  const byteSize = dataType === 'BYTES' ? bytesSize(elements) : count * dataTypeByteSize(dataType);
  if (byteSize === 0) return { name, dataType, shape: [], data: new Uint8Array(0) };
  if (budget.usedBytes + byteSize > budget.maxBytes) throw tooLarge(name, byteSize, budget);
  budget.usedBytes += byteSize;
  const shape = fitShape(name, dims, count);
  return { name, dataType, shape, data: encode(name, dataType, elements, count) };
}

function flatten(value: JsonValue, dataType: DataType): JsonValue[] {
  const elements: JsonValue[] = [];
  const visit = (item: JsonValue, depth: number): void => {
    if (depth >= MAX_DEPTH) {
      const prefix = dataType === 'BYTES' ? '' : "Unable to parse 'data': ";
      throw new StatusError('INVALID_ARG', `${prefix}JSON nesting depth exceeds maximum allowed limit (${MAX_DEPTH})`);
    }
    if (Array.isArray(item)) for (const inner of item) visit(inner, depth + 1);
    else elements.push(item);
  };
  visit(value, 0);
  return elements;
}

function bytesSize(elements: readonly JsonValue[]): number {
  let size = 0;
  for (const element of elements) {
    if (typeof element !== 'string') {
      throw internal('Unable to parse JSON bytes array: attempt to access JSON non-string as string');
    }
    size += 4 + Buffer.byteLength(element);
  }
  return size;
}

function tooLarge(
  name: string,
  byteSize: number,
  budget: { readonly usedBytes: number; readonly maxBytes: number },
): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `request size of ${budget.usedBytes} bytes with input '${name}' of size ${byteSize} bytes exceeds the maximum allowed input size of ${budget.maxBytes}. Use --http-max-input-size to increase the limit.`,
  );
}

function fitShape(name: string, dims: readonly number[], count: number): number[] {
  let left = count;
  for (const dim of dims) {
    if (dim === -1) continue;
    if (left % dim !== 0) throw noShape(name);
    left /= dim;
  }
  const shape = [...dims];
  for (let index = shape.length - 1; index >= 0; index--) {
    if (shape[index] !== -1) continue;
    shape[index] = left;
    left = 1;
  }
  if (left !== 1) throw noShape(name);
  return shape;
}

function noShape(name: string): StatusError {
  return new StatusError('INVALID_ARG', `The schema can not convert input '${name}' to tensor with proper shape`);
}

function encode(name: string, dataType: DataType, elements: readonly JsonValue[], count: number): Uint8Array {
  if (dataType === 'BYTES') return encodeBytesElements(elements as readonly string[]);
  if (dataType === 'FP16' || dataType === 'BF16') {
    throw new StatusError(
      'INVALID_ARG',
      `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
    );
  }
  const data = new Uint8Array(count * dataTypeByteSize(dataType));
  const view = new DataView(data.buffer);
  elements.forEach((element, index) => {
    if (index >= count) throw internal("Unable to parse 'data': Shape does not match true shape of 'data' field");
    store(view, dataType, index * dataTypeByteSize(dataType), element);
  });
  if (elements.length !== count) {
    throw internal("Failed to parse 'data' field: shape does not match true shape");
  }
  return data;
}

function store(view: DataView, dataType: DataType, offset: number, element: JsonValue): void {
  switch (dataType) {
    case 'BOOL':
      if (typeof element !== 'boolean') throw typeError('non-boolean', 'boolean');
      view.setUint8(offset, element ? 1 : 0);
      break;
    case 'FP32':
      view.setFloat32(offset, toDouble(element), true);
      break;
    case 'FP64':
      view.setFloat64(offset, toDouble(element), true);
      break;
    default:
      storeInteger(view, dataTypeByteSize(dataType), offset, toInteger(element, dataType.startsWith('U')));
  }
}

function toDouble(element: JsonValue): number {
  if (element instanceof JsonDouble) return element.value;
  if (typeof element === 'number' || typeof element === 'bigint') return Number(element);
  throw typeError('non-number', 'double');
}

function toInteger(element: JsonValue, unsigned: boolean): bigint {
  if (typeof element === 'number' || typeof element === 'bigint') {
    const value = BigInt(element);
    if (unsigned ? value >= 0n : value <= MAX_INT64) return value;
  }
  throw unsigned
    ? typeError('non-unsigned-integer', 'unsigned-integer')
    : typeError('non-signed-integer', 'signed-integer');
}

function storeInteger(view: DataView, size: number, offset: number, value: bigint): void {
  if (size === 8) view.setBigInt64(offset, BigInt.asIntN(64, value), true);
  else if (size === 4) view.setInt32(offset, Number(BigInt.asIntN(32, value)), true);
  else if (size === 2) view.setInt16(offset, Number(BigInt.asIntN(16, value)), true);
  else view.setInt8(offset, Number(BigInt.asIntN(8, value)));
}

function typeError(actual: string, wanted: string): StatusError {
  return internal(`Unable to parse 'data': attempt to access JSON ${actual} as ${wanted}`);
}

function internal(message: string): StatusError {
  return new StatusError('INTERNAL', message);
}
