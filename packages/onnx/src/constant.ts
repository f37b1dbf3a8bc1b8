import { type ElementType, elementBits, rawByteLength } from './element-type.ts';
import { bfloat16ToNumber, halfToNumber, numberToBfloat16, numberToHalf } from './half-float.ts';
import type { ConstantTensor } from './model.ts';
import { OnnxError } from './onnx-error.ts';
import { elementCount } from './shape.ts';

const utf8 = new TextEncoder();

/** A constant whose elements are raw little-endian bytes. Throws OnnxError `invalid` when their number is not what `dims` say. */
export function rawConstant(
  name: string,
  elementType: ElementType,
  dims: readonly number[],
  bytes: Uint8Array,
): ConstantTensor {
  const expected = rawByteLength(elementType, elementCount(dims));
  if (elementType === 'string' || bytes.length !== expected) {
    throw new OnnxError(
      'invalid',
      `constant '${name}': ${bytes.length} bytes for ${elementType} [${dims}], expected ${expected}`,
    );
  }
  return { name, elementType, dims, content: { kind: 'raw', bytes } };
}

/** A constant of numbers, bigints (64-bit types), or 0 and 1 (bool). Not for strings, complex and types below a byte. */
export function numericConstant(
  name: string,
  elementType: ElementType,
  dims: readonly number[],
  values: readonly (number | bigint)[],
): ConstantTensor {
  const bits = elementBits(elementType);
  const bytes = new Uint8Array((values.length * bits) / 8);
  const view = new DataView(bytes.buffer);
  const write = elementWriter(elementType);
  for (let index = 0; index < values.length; index++) write(view, (index * bits) / 8, values[index] as number | bigint);
  return rawConstant(name, elementType, dims, bytes);
}

export function stringConstant(
  name: string,
  dims: readonly number[],
  values: readonly (string | Uint8Array)[],
): ConstantTensor {
  if (values.length !== elementCount(dims)) {
    throw new OnnxError('invalid', `constant '${name}': ${values.length} strings for shape [${dims}]`);
  }
  const encoded = values.map((value) => (typeof value === 'string' ? utf8.encode(value) : value));
  return { name, elementType: 'string', dims, content: { kind: 'strings', values: encoded } };
}

/**
 * The elements of a raw constant as numbers (64-bit integers as bigint, bool as 0 or 1), read one by one: for small tensors.
 * Throws OnnxError `invalid` for strings, complex, types below a byte and external data.
 */
export function constantElements(tensor: ConstantTensor): (number | bigint)[] {
  if (tensor.content.kind !== 'raw') {
    throw new OnnxError('invalid', `constant '${tensor.name}': its elements are not in the model as numbers`);
  }
  const bytes = tensor.content.bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = elementReader(tensor.elementType);
  const step = elementBits(tensor.elementType) / 8;
  const values: (number | bigint)[] = [];
  for (let at = 0; at + step <= bytes.length; at += step) values.push(read(view, at));
  return values;
}

function elementReader(type: ElementType): (view: DataView, at: number) => number | bigint {
  switch (type) {
    case 'float':
      return (view, at) => view.getFloat32(at, true);
    case 'double':
      return (view, at) => view.getFloat64(at, true);
    case 'float16':
      return (view, at) => halfToNumber(view.getUint16(at, true));
    case 'bfloat16':
      return (view, at) => bfloat16ToNumber(view.getUint16(at, true));
    case 'int8':
      return (view, at) => view.getInt8(at);
    case 'uint8':
    case 'bool':
      return (view, at) => view.getUint8(at);
    case 'int16':
      return (view, at) => view.getInt16(at, true);
    case 'uint16':
      return (view, at) => view.getUint16(at, true);
    case 'int32':
      return (view, at) => view.getInt32(at, true);
    case 'uint32':
      return (view, at) => view.getUint32(at, true);
    case 'int64':
      return (view, at) => view.getBigInt64(at, true);
    case 'uint64':
      return (view, at) => view.getBigUint64(at, true);
    default:
      throw new OnnxError('invalid', `elements of type ${type} cannot be read as numbers`);
  }
}

function elementWriter(type: ElementType): (view: DataView, at: number, value: number | bigint) => void {
  switch (type) {
    case 'float':
      return (view, at, value) => view.setFloat32(at, Number(value), true);
    case 'double':
      return (view, at, value) => view.setFloat64(at, Number(value), true);
    case 'float16':
      return (view, at, value) => view.setUint16(at, numberToHalf(Number(value)), true);
    case 'bfloat16':
      return (view, at, value) => view.setUint16(at, numberToBfloat16(Number(value)), true);
    case 'int8':
    case 'uint8':
      return (view, at, value) => view.setUint8(at, Number(value));
    case 'bool':
      return (view, at, value) => view.setUint8(at, Number(value) === 0 ? 0 : 1);
    case 'int16':
    case 'uint16':
      return (view, at, value) => view.setUint16(at, Number(value), true);
    case 'int32':
    case 'uint32':
      return (view, at, value) => view.setUint32(at, Number(value), true);
    case 'int64':
      return (view, at, value) => view.setBigInt64(at, BigInt(value), true);
    case 'uint64':
      return (view, at, value) => view.setBigUint64(at, BigInt(value), true);
    default:
      throw new OnnxError('invalid', `elements of type ${type} cannot be written as numbers`);
  }
}
