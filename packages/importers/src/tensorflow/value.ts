import { bfloat16ToNumber, halfToNumber, numberToBfloat16, numberToHalf, numericConstant } from '@nereid/onnx';
import { ImportError } from '../shared/index.ts';
import { type DataType, dataTypeByteSize, elementTypeFor } from './data-type.ts';
import type { Shape, TensorConstant } from './graph-def.ts';

/** Constants beyond this many elements are never looked into: they are weights. */
const MAX_KNOWN_ELEMENTS = 4096;

/**
 * Elements of a small tensor as far as they are known, row-major: numbers (bool as 0 or 1), undefined where only a run can tell.
 * Shape arithmetic works on them, so that `[batch, 7, 7, 64]` can be known but for its first element.
 */
export type Elements = readonly (number | undefined)[];

type RawContent = Extract<TensorConstant['content'], { kind: 'raw' }>;

/** A tensor while a graph is translated. */
export interface Value {
  readonly dataType: DataType;
  readonly shape: Shape;
  /** Its name in the ONNX graph; undefined for a constant that nothing there has asked for yet. */
  readonly name: string | undefined;
  readonly constant: TensorConstant | undefined;
  readonly elements: Elements | undefined;
  /** The branch of a `Switch` that is not taken: there is no tensor. */
  readonly dead: boolean;
}

export function constantValue(constant: TensorConstant): Value {
  const { dataType, dims } = constant;
  let elements: Elements | undefined;
  let isDecoded = false;
  return {
    dataType,
    shape: dims,
    name: undefined,
    constant,
    get elements() {
      if (!isDecoded) elements = knownElements(constant);
      isDecoded = true;
      return elements;
    },
    dead: false,
  };
}

/** A value computed by the ONNX graph. */
export function computedValue(name: string, dataType: DataType, shape: Shape, elements?: Elements): Value {
  return { dataType, shape, name, constant: undefined, elements, dead: false };
}

export function deadValue(dataType: DataType): Value {
  return { dataType, shape: undefined, name: undefined, constant: undefined, elements: undefined, dead: true };
}

/** A constant of known elements (bool as 0 or 1), which must be of a type that ONNX has. */
export function constantOf(dataType: DataType, dims: readonly number[], elements: readonly number[]): Value {
  const elementType = elementTypeFor(dataType);
  if (elementType === undefined) throw new ImportError('unsupported', `tensors of ${dataType} are not supported`);
  return constantValue({
    dataType,
    dims,
    content: numericConstant('', elementType, dims, elements).content as RawContent,
  });
}

/** `value` as a tensor of `type` would hold it after a cast. */
export function convertElement(type: DataType, value: number): number {
  switch (type) {
    case 'DT_FLOAT':
      return Math.fround(value);
    case 'DT_DOUBLE':
      return value;
    case 'DT_HALF':
      return halfToNumber(numberToHalf(value));
    case 'DT_BFLOAT16':
      return bfloat16ToNumber(numberToBfloat16(value));
    case 'DT_BOOL':
      return value === 0 ? 0 : 1;
    case 'DT_INT32':
      return value | 0;
    case 'DT_UINT32':
      return value >>> 0;
    case 'DT_INT16':
      return (value << 16) >> 16;
    case 'DT_UINT16':
      return value & 0xffff;
    case 'DT_INT8':
      return (value << 24) >> 24;
    case 'DT_UINT8':
      return value & 0xff;
    default:
      return Number.isFinite(value) ? Math.trunc(value) : 0;
  }
}

/** True when every element is known. */
export function isKnown(elements: Elements | undefined): elements is readonly number[] {
  return elements !== undefined && !elements.includes(undefined);
}

function knownElements(constant: TensorConstant): Elements | undefined {
  const { content, dataType } = constant;
  if (content.kind !== 'raw') return undefined;
  const byteSize = dataTypeByteSize(dataType);
  const read = READERS[dataType];
  if (read === undefined || content.bytes.length > MAX_KNOWN_ELEMENTS * byteSize) return undefined;
  const view = new DataView(content.bytes.buffer, content.bytes.byteOffset, content.bytes.length);
  const elements: (number | undefined)[] = [];
  for (let at = 0; at < content.bytes.length; at += byteSize) elements.push(read(view, at));
  return elements;
}

const READERS: Partial<Record<DataType, (view: DataView, at: number) => number | undefined>> = {
  DT_FLOAT: (view, at) => view.getFloat32(at, true),
  DT_DOUBLE: (view, at) => view.getFloat64(at, true),
  DT_HALF: (view, at) => halfToNumber(view.getUint16(at, true)),
  DT_BFLOAT16: (view, at) => bfloat16ToNumber(view.getUint16(at, true)),
  DT_INT32: (view, at) => view.getInt32(at, true),
  DT_UINT32: (view, at) => view.getUint32(at, true),
  DT_INT16: (view, at) => view.getInt16(at, true),
  DT_UINT16: (view, at) => view.getUint16(at, true),
  DT_INT8: (view, at) => view.getInt8(at),
  DT_UINT8: (view, at) => view.getUint8(at),
  DT_BOOL: (view, at) => view.getUint8(at),
  DT_INT64: (view, at) => exact(view.getBigInt64(at, true)),
  DT_UINT64: (view, at) => exact(view.getBigUint64(at, true)),
};

function exact(value: bigint): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}
