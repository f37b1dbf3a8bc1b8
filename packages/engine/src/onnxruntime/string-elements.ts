import { allocate } from './allocate.ts';
import { addressOf } from './api.ts';
import { EngineError } from './error.ts';

/** Bytes in front of each BYTES element: its length, uint32 little-endian. */
const PREFIX_BYTES = 4;
/** Work of one step: a fraction of a millisecond. */
const STEP_ELEMENTS = 8192;
const STEP_BYTES = 512 * 1024;
const LONG_ELEMENT_BYTES = 1024 * 1024;
/** Shorter elements are looked at and copied byte by byte. */
const SHORT_BYTES = 32;

/** A part of `CStrings.text`. */
export interface TextPart {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The protocol's BYTES form as the C strings that ONNX Runtime takes, made in steps: one copy of `data`, in which each length prefix ends the
 * element before it, serves as all of them.
 */
export class CStrings {
  readonly count: number;
  /** Address of each element. */
  readonly pointers: BigUint64Array;
  readonly text: Uint8Array;
  /** Elements with a NUL inside, which C strings cut short there; those of megabytes apart. */
  readonly withNul: TextPart[] = [];
  readonly longWithNul: TextPart[] = [];
  readonly #data: Uint8Array;
  readonly #view: DataView;
  readonly #halves: Uint32Array;
  readonly #base: number;
  readonly #findNuls: boolean;
  #copied = 0;
  #position = 0;
  #index = 0;
  /** How far the element at `#index` was searched for a NUL, counted from its start. */
  #searched = 0;

  /**
   * `findNuls`: whether elements with a NUL are looked for. Throws EngineError when `data` is too short for `count` elements, before any memory is
   * set aside.
   */
  constructor(data: Uint8Array, count: number, findNuls: boolean) {
    if (count * PREFIX_BYTES > data.byteLength) throw endsBefore(Math.floor(data.byteLength / PREFIX_BYTES), count);
    this.count = count;
    this.pointers = new BigUint64Array(count);
    this.text = allocate(data.byteLength + 1);
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#halves = new Uint32Array(this.pointers.buffer);
    this.#base = addressOf(this.text);
    this.#findNuls = findNuls;
  }

  /** True when all is done. Throws EngineError when `data` does not hold exactly `count` elements. */
  step(): boolean {
    if (this.#copied <= this.#data.byteLength) this.#copy();
    else if (this.#index < this.count) this.#walk();
    else return this.#atEnd();
    return false;
  }

  #copy(): void {
    const end = this.#copied + STEP_BYTES;
    this.text.set(this.#data.subarray(this.#copied, end), this.#copied);
    this.#copied = end;
    if (end > this.#data.byteLength) this.text[this.#data.byteLength] = 0;
  }

  #walk(): void {
    const stop = Math.min(this.#index + STEP_ELEMENTS, this.count);
    const stopPosition = this.#position + STEP_BYTES;
    while (this.#index < stop && this.#position < stopPosition) if (!this.#element()) return;
  }

  /** False when a long element needs another step. */
  #element(): boolean {
    const byteLength = this.#data.byteLength;
    const index = this.#index;
    const start = this.#position + PREFIX_BYTES;
    if (start > byteLength) throw endsBefore(index, this.count);
    const end = start + this.#view.getUint32(this.#position, true);
    if (end > byteLength) {
      throw new EngineError(`BYTES element ${index} of ${this.count} ends at byte ${end}, the tensor at ${byteLength}`);
    }
    const from = start + this.#searched;
    const to = Math.min(end, from + STEP_BYTES);
    const hasNul = this.#findNuls && this.#hasNul(from, to);
    if (this.#findNuls && !hasNul && to < end) {
      this.#searched += STEP_BYTES;
      return false;
    }
    if (hasNul) (end - start > LONG_ELEMENT_BYTES ? this.longWithNul : this.withNul).push({ index, start, end });
    this.#searched = 0;
    this.text[this.#position] = 0;
    const address = this.#base + start;
    this.#halves[2 * index] = address;
    this.#halves[2 * index + 1] = address / 2 ** 32;
    this.#position = end;
    this.#index++;
    return true;
  }

  #hasNul(from: number, to: number): boolean {
    if (to - from > SHORT_BYTES) return this.#data.subarray(from, to).includes(0);
    for (let position = from; position < to; position++) if (this.#data[position] === 0) return true;
    return false;
  }

  #atEnd(): boolean {
    const left = this.#data.byteLength - this.#position;
    if (left > 0) throw new EngineError(`BYTES tensor of ${this.count} elements has ${left} bytes left over`);
    return true;
  }
}

function endsBefore(index: number, count: number): EngineError {
  return new EngineError(`BYTES tensor ends before element ${index} of ${count}`);
}

/** Strings as ONNX Runtime gives them, all in one piece with the offset of each, into the protocol's BYTES form, in steps. */
export class BytesForm {
  readonly data: Uint8Array;
  readonly #content: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #length: number;
  readonly #count: number;
  readonly #view: DataView;
  #index = 0;
  /** Bytes of the element at `#index` that are copied already. */
  #copied = 0;
  #position = 0;

  /** `offsets`: size_t of each element. `length`: bytes of all of them. */
  constructor(content: Uint8Array, offsets: BigUint64Array, length: number) {
    this.#content = content;
    this.#offsets = new Uint32Array(offsets.buffer);
    this.#length = length;
    this.#count = offsets.length;
    this.data = allocate(length + PREFIX_BYTES * offsets.length);
    this.#view = new DataView(this.data.buffer);
  }

  /** True when all is done. */
  step(): boolean {
    const stop = Math.min(this.#index + STEP_ELEMENTS, this.#count);
    const stopPosition = this.#position + STEP_BYTES;
    while (this.#index < stop && this.#position < stopPosition) this.#element();
    return this.#index === this.#count;
  }

  #element(): void {
    const start = this.#offset(this.#index);
    const end = this.#index + 1 < this.#count ? this.#offset(this.#index + 1) : this.#length;
    if (this.#copied === 0) {
      this.#view.setUint32(this.#position, end - start, true);
      this.#position += PREFIX_BYTES;
    }
    const from = start + this.#copied;
    const to = Math.min(end, from + STEP_BYTES);
    this.#copy(from, to);
    if (to < end) {
      this.#copied += to - from;
      return;
    }
    this.#copied = 0;
    this.#index++;
  }

  #copy(from: number, to: number): void {
    if (to - from > SHORT_BYTES) this.data.set(this.#content.subarray(from, to), this.#position);
    else for (let index = from; index < to; index++) this.data[this.#position + index - from] = this.#content[index]!;
    this.#position += to - from;
  }

  #offset(index: number): number {
    return this.#offsets[2 * index]! + this.#offsets[2 * index + 1]! * 2 ** 32;
  }
}
