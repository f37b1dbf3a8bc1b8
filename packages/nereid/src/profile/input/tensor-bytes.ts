import { type DataType, dataTypeByteSize, isDataType } from '@nereid/protocol';
import type { Random } from '../random.ts';

/** Length of a random BYTES element. */
const STRING_LENGTH = 128;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Values of random integers stay small, so that they are valid indices and counts more often than not. */
const MAX_INTEGER = 127;

/** `count` elements of zeros; of BYTES empty ones. */
export function zeroBytes(datatype: string, count: number): Uint8Array {
  return new Uint8Array(count * (datatype === 'BYTES' ? 4 : byteSize(datatype)));
}

/** `count` random elements: floating point numbers of [0, 1), integers of 0 to 127, BYTES of 128 letters. */
export function randomBytes(datatype: string, count: number, random: Random): Uint8Array {
  if (datatype === 'BYTES') {
    return bytesElements(Array.from({ length: count }, () => randomText(random)));
  }
  const isFloat = /^B?F/.test(datatype) && datatype !== 'BOOL';
  const values = Array.from({ length: count }, () => {
    if (isFloat) return random();
    return Math.floor(random() * (datatype === 'BOOL' ? 2 : MAX_INTEGER + 1));
  });
  return encodeValues(datatype, values);
}

/**
 * Numbers, booleans or texts as a tensor's bytes.
 * @throws Error for a value that is none of the data type
 */
export function encodeValues(datatype: string, values: readonly unknown[]): Uint8Array {
  if (datatype === 'BYTES') return bytesElements(values.map((value) => new TextEncoder().encode(String(value))));
  const size = byteSize(datatype);
  const data = new Uint8Array(values.length * size);
  const view = new DataView(data.buffer);
  const write = writer(datatype, view);
  for (const [index, value] of values.entries()) {
    const number = typeof value === 'boolean' ? Number(value) : value;
    if (typeof number !== 'number') throw new Error(`${JSON.stringify(value)} is no value of type ${datatype}`);
    write(index * size, number);
  }
  return data;
}

export function bytesElements(elements: readonly Uint8Array[]): Uint8Array {
  const data = new Uint8Array(elements.reduce((sum, element) => sum + 4 + element.byteLength, 0));
  const view = new DataView(data.buffer);
  let offset = 0;
  for (const element of elements) {
    view.setUint32(offset, element.byteLength, true);
    data.set(element, offset + 4);
    offset += 4 + element.byteLength;
  }
  return data;
}

function byteSize(datatype: string): number {
  if (!isDataType(datatype)) throw new Error(`unknown data type '${datatype}'`);
  return dataTypeByteSize(datatype as Exclude<DataType, 'BYTES'>);
}

function writer(datatype: string, view: DataView): (offset: number, value: number) => void {
  switch (datatype) {
    case 'BOOL':
    case 'UINT8':
      return (offset, value) => view.setUint8(offset, value);
    case 'INT8':
      return (offset, value) => view.setInt8(offset, value);
    case 'UINT16':
      return (offset, value) => view.setUint16(offset, value, true);
    case 'INT16':
      return (offset, value) => view.setInt16(offset, value, true);
    case 'UINT32':
      return (offset, value) => view.setUint32(offset, value, true);
    case 'INT32':
      return (offset, value) => view.setInt32(offset, value, true);
    case 'UINT64':
    case 'INT64':
      return (offset, value) => view.setBigInt64(offset, BigInt(Math.trunc(value)), true);
    case 'FP16':
      return (offset, value) => view.setFloat16(offset, value, true);
    case 'BF16': {
      const float = new DataView(new ArrayBuffer(4));
      return (offset, value) => {
        float.setFloat32(0, value);
        view.setUint16(offset, float.getUint16(0), true);
      };
    }
    case 'FP32':
      return (offset, value) => view.setFloat32(offset, value, true);
    case 'FP64':
      return (offset, value) => view.setFloat64(offset, value, true);
    default:
      throw new Error(`no values can be written for type ${datatype}`);
  }
}

function randomText(random: Random): Uint8Array {
  return Uint8Array.from({ length: STRING_LENGTH }, () => LETTERS.charCodeAt(Math.floor(random() * LETTERS.length)));
}
