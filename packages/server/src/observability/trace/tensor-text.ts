import type { DataType } from '@nereid/protocol';
import type { TracedTensor } from '../../inference/index.ts';

type ElementReader = (view: DataView, offset: number) => string;

const READERS: Readonly<Partial<Record<DataType, readonly [byteSize: number, read: ElementReader]>>> = {
  BOOL: [1, (view, offset) => (view.getUint8(offset) === 0 ? '0' : '1')],
  UINT8: [1, (view, offset) => String(view.getUint8(offset))],
  UINT16: [2, (view, offset) => String(view.getUint16(offset, true))],
  UINT32: [4, (view, offset) => String(view.getUint32(offset, true))],
  UINT64: [8, (view, offset) => String(view.getBigUint64(offset, true))],
  INT8: [1, (view, offset) => String(view.getInt8(offset))],
  INT16: [2, (view, offset) => String(view.getInt16(offset, true))],
  INT32: [4, (view, offset) => String(view.getInt32(offset, true))],
  INT64: [8, (view, offset) => String(view.getBigInt64(offset, true))],
  FP32: [4, (view, offset) => floatText(view.getFloat32(offset, true))],
  FP64: [8, (view, offset) => floatText(view.getFloat64(offset, true))],
};

/**
 * A tensor's elements with commas between them, as Triton's traces have them: floats with six digits, strings in quotation marks, 16-bit floats
 * not at all. `…` follows when the trace does not hold all of them.
 */
export function tensorText({ dataType, data, isWhole }: TracedTensor): string {
  const elements = dataType === 'BYTES' ? strings(data) : numbers(dataType, data);
  if (!isWhole) elements.push('…');
  return elements.join(',');
}

function numbers(dataType: DataType, data: Uint8Array): string[] {
  const reader = READERS[dataType];
  if (reader === undefined) return [];
  const [byteSize, read] = reader;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: Math.floor(data.byteLength / byteSize) }, (_, index) => read(view, index * byteSize));
}

function strings(data: Uint8Array): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const elements: string[] = [];
  for (let offset = 0; offset + 4 <= data.byteLength; ) {
    const end = offset + 4 + view.getUint32(offset, true);
    if (end > data.byteLength) break;
    elements.push(`"${Buffer.from(data.subarray(offset + 4, end)).toString()}"`);
    offset = end;
  }
  return elements;
}

const DIGITS = 6;

/** A number as C++ streams print it (`%g`). */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = '0'] = value.toExponential(DIGITS - 1).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < DIGITS) return trimZeros(value.toFixed(DIGITS - 1 - exponent));
  const sign = exponent < 0 ? '-' : '+';
  return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
