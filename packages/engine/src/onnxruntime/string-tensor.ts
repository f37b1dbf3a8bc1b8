import { addressOf, type OrtApi, type Pointer } from './api.ts';
import { EngineError } from './error.ts';

/**
 * Fills a string tensor from the protocol's BYTES form. Throws EngineError when `data` does not hold exactly `count` elements.
 *
 * ONNX Runtime takes C strings: one copy of `data`, in which each length prefix ends the element before it, serves as all of them.
 * Elements with a NUL inside are written a second time, by length, so that no byte is lost.
 */
export function fillStringTensor(api: OrtApi, value: Pointer, data: Uint8Array, count: number): void {
  const text = new Uint8Array(data.byteLength + 1);
  text.set(data);
  const base = addressOf(text);
  const pointers = new BigUint64Array(count);
  const withNul: { index: number; start: number; end: number }[] = [];
  forEachElement(data, count, (index, start, end) => {
    text[start - 4] = 0;
    pointers[index] = BigInt(base + start);
    if (data.subarray(start, end).includes(0)) withNul.push({ index, start, end });
  });
  if (count > 0) api.check(api.functions.FillStringTensor(value, pointers, count));
  for (const { index, start, end } of withNul) {
    const buffer = api.read((out) => api.functions.GetResizedStringTensorElementBuffer(value, index, end - start, out));
    api.cLibrary.copy(buffer, data.subarray(start, end), end - start);
  }
}

/** Reads a string tensor of `count` elements into the protocol's BYTES form. */
export function readStringTensor(api: OrtApi, value: Pointer, count: number): Uint8Array {
  if (count === 0) return new Uint8Array(0);
  const length = api.read((out) => api.functions.GetStringTensorDataLength(value, out));
  const content = new Uint8Array(length + 1);
  const offsets = new BigUint64Array(count);
  api.check(api.functions.GetStringTensorContent(value, content, length, offsets, count));
  const data = new Uint8Array(length + 4 * count);
  const view = new DataView(data.buffer);
  let position = 0;
  for (let index = 0; index < count; index++) {
    const start = Number(offsets[index]);
    const end = index + 1 < count ? Number(offsets[index + 1]) : length;
    view.setUint32(position, end - start, true);
    data.set(content.subarray(start, end), position + 4);
    position += 4 + end - start;
  }
  return data;
}

function forEachElement(
  data: Uint8Array,
  count: number,
  visit: (index: number, start: number, end: number) => void,
): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let position = 0;
  for (let index = 0; index < count; index++) {
    if (position + 4 > data.byteLength) throw new EngineError(`BYTES tensor ends before element ${index} of ${count}`);
    const start = position + 4;
    const end = start + view.getUint32(position, true);
    if (end > data.byteLength) {
      throw new EngineError(`BYTES element ${index} of ${count} ends at byte ${end}, the tensor at ${data.byteLength}`);
    }
    visit(index, start, end);
    position = end;
  }
  if (position !== data.byteLength) {
    throw new EngineError(`BYTES tensor of ${count} elements has ${data.byteLength - position} bytes left over`);
  }
}
