import { allocate } from './allocate.ts';
import type { OrtApi, Pointer } from './api.ts';
import { elementTypeCode } from './element-type.ts';
import { isLongStringTensor, type LongWork } from './long-work.ts';
import { BytesForm, CStrings, type TextPart } from './string-elements.ts';

/** Elements with a NUL that are written in one step: each takes two native calls. */
const STEP_CALLS = 512;
const STEP_BYTES = 512 * 1024;

/** What a string tensor is made of, and where its address goes. Memory is referenced by whoever made this until the tensor is there. */
export interface NewStringTensor {
  /** `OrtAllocator *` */
  readonly allocator: Pointer;
  /** `int64_t *` */
  readonly shape: Pointer;
  readonly rank: number;
  readonly count: number;
  /** The protocol's BYTES form. */
  readonly data: Uint8Array;
  /** Elements end at their first NUL. */
  readonly cStrings: boolean;
  /** Gets the `OrtValue *`, at `position`. */
  readonly values: BigUint64Array;
  readonly position: number;
  /** `OrtValue **`: the same place. */
  readonly target: Pointer;
}

/**
 * Makes a string tensor. Throws EngineError when `data` does not hold exactly `count` elements.
 *
 * Elements with a NUL inside are written a second time, by length, so that no byte is lost; unless they are to end there.
 */
export function makeStringTensor(api: OrtApi, tensor: NewStringTensor): void {
  const f = api.functions;
  const { allocator, shape, rank, count, target } = tensor;
  const strings = new CStrings(tensor.data, count, !tensor.cStrings);
  while (!strings.step());
  api.check(f.CreateTensorAsOrtValue(allocator, shape, rank, elementTypeCode('BYTES'), target));
  const value = Number(tensor.values[tensor.position]);
  if (count > 0) api.check(f.FillStringTensor(value, strings.pointers, count));
  const restore = new NulElements(api, value, tensor.data, strings.longWithNul.concat(strings.withNul));
  while (!restore.step());
}

/** The same for millions of elements: `keep` is given the memory that native code uses until it is over. */
export async function makeLongStringTensor(
  api: OrtApi,
  tensor: NewStringTensor,
  work: LongWork,
  keep: (memory: ArrayBufferView) => void,
): Promise<void> {
  const f = api.functions;
  const { allocator, shape, rank, count, target } = tensor;
  const strings = new CStrings(tensor.data, count, !tensor.cStrings);
  await work.steps(() => strings.step());
  keep(strings.text);
  keep(strings.pointers);
  const code = elementTypeCode('BYTES');
  api.check(await work.call((done) => f.CreateTensorAsOrtValue.async(allocator, shape, rank, code, target, done)));
  const value = Number(tensor.values[tensor.position]);
  api.check(await work.call((done) => f.FillStringTensor.async(value, strings.pointers, count, done)));
  for (const { index, start, end } of strings.longWithNul) {
    await writeLongElement(api, value, tensor.data.subarray(start, end), index, work, keep);
  }
  const restore = new NulElements(api, value, tensor.data, strings.withNul);
  await work.steps(() => restore.step());
}

/** Writes elements with a NUL inside by their length, in steps. */
class NulElements {
  readonly #api: OrtApi;
  readonly #value: Pointer;
  readonly #data: Uint8Array;
  readonly #parts: readonly TextPart[];
  #next = 0;

  constructor(api: OrtApi, value: Pointer, data: Uint8Array, parts: readonly TextPart[]) {
    this.#api = api;
    this.#value = value;
    this.#data = data;
    this.#parts = parts;
  }

  step(): boolean {
    let bytes = 0;
    for (let calls = 0; calls < STEP_CALLS && bytes < STEP_BYTES; calls++) {
      const part = this.#parts[this.#next];
      if (part === undefined) return true;
      this.#write(part);
      bytes += part.end - part.start;
      this.#next++;
    }
    return false;
  }

  #write({ index, start, end }: TextPart): void {
    const { functions, cLibrary } = this.#api;
    const buffer = this.#api.read((out) =>
      functions.GetResizedStringTensorElementBuffer(this.#value, index, end - start, out),
    );
    cLibrary.copy(buffer, this.#data.subarray(start, end), end - start);
  }
}

/** The same for one element of megabytes. */
async function writeLongElement(
  api: OrtApi,
  value: Pointer,
  element: Uint8Array,
  index: number,
  work: LongWork,
  keep: (memory: ArrayBufferView) => void,
): Promise<void> {
  const out = new BigUint64Array(1);
  keep(out);
  keep(element);
  const { GetResizedStringTensorElementBuffer } = api.functions;
  api.check(
    await work.call((done) => GetResizedStringTensorElementBuffer.async(value, index, element.byteLength, out, done)),
  );
  await work.copy(api, Number(out[0]), element, element.byteLength);
}

/** Reads a string tensor of `count` elements into the protocol's BYTES form. */
export function readStringTensor(api: OrtApi, value: Pointer, count: number): Uint8Array {
  if (count === 0) return new Uint8Array(0);
  const length = api.read((out) => api.functions.GetStringTensorDataLength(value, out));
  const content = new Uint8Array(length + 1);
  const offsets = new BigUint64Array(count);
  api.check(api.functions.GetStringTensorContent(value, content, length, offsets, count));
  const form = new BytesForm(content, offsets, length);
  while (!form.step());
  return form.data;
}

/** True when reading the tensor would hold the calling thread. */
export function isLongToRead(api: OrtApi, value: Pointer, count: number): boolean {
  if (count === 0) return false;
  if (isLongStringTensor(count, 0)) return true;
  return isLongStringTensor(
    count,
    api.read((out) => api.functions.GetStringTensorDataLength(value, out)),
  );
}

/** As `readStringTensor`, for millions of elements. `keep` is given the memory that native code uses until it is over. */
export async function readLongStringTensor(
  api: OrtApi,
  value: Pointer,
  count: number,
  work: LongWork,
  keep: (memory: ArrayBufferView) => void,
): Promise<Uint8Array> {
  const f = api.functions;
  const out = new BigUint64Array(1);
  keep(out);
  api.check(await work.call((done) => f.GetStringTensorDataLength.async(value, out, done)));
  const length = Number(out[0]);
  const content = allocate(length + 1);
  const offsets = new BigUint64Array(count);
  keep(content);
  keep(offsets);
  api.check(await work.call((done) => f.GetStringTensorContent.async(value, content, length, offsets, count, done)));
  const form = new BytesForm(content, offsets, length);
  await work.steps(() => form.step());
  return form.data;
}
