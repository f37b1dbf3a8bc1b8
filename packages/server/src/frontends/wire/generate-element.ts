import { type DataType, dataTypeByteSize, JsonDouble, type JsonValue, StatusError } from '@nereid/protocol';

const MAX_INT64 = 9223372036854775807n;

/** Writes a JSON value as an element of a tensor that is not BYTES. Throws StatusError INTERNAL with Triton's texts for one of another type. */
export function storeElement(view: DataView, dataType: DataType, offset: number, element: JsonValue): void {
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
  return new StatusError('INTERNAL', `Unable to parse 'data': attempt to access JSON ${actual} as ${wanted}`);
}
