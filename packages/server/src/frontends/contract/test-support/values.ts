import { type DataType, dataTypeByteSize, encodeBytesElements } from '@nereid/protocol';
import type { ContractTensor, Value } from './cases.ts';

/** Values in the protocol's binary form; halves are given by their bits. */
export function toBytes(dataType: DataType, values: readonly Value[]): Uint8Array {
  if (dataType === 'BYTES') return encodeBytesElements(values as readonly string[]);
  const size = dataTypeByteSize(dataType);
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, index) => {
    const offset = index * size;
    if (dataType === 'FP32') view.setFloat32(offset, Number(value), true);
    else if (dataType === 'FP64') view.setFloat64(offset, Number(value), true);
    else if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (size === 4) view.setUint32(offset, Number(value), true);
    else if (size === 2) view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  });
  return new Uint8Array(view.buffer);
}

/** A tensor as answers are compared: contents as hexadecimal bytes. */
export interface PlainTensor {
  readonly name: string;
  readonly dataType: string;
  readonly shape: readonly number[];
  readonly bytes: string;
}

export function plain({ name, dataType, shape, values }: ContractTensor): PlainTensor {
  return { name, dataType, shape, bytes: Buffer.from(toBytes(dataType, values)).toString('hex') };
}

/** An answer as it is compared; `status` is the protocol's own. */
export type PlainAnswer =
  | { readonly model: string; readonly version: string; readonly id: string; readonly outputs: readonly PlainTensor[] }
  | { readonly status: number; readonly message: string };
