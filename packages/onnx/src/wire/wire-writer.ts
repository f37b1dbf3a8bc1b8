import { WIRE_BYTES, WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT } from './wire-reader.ts';

/** Byte strings from this size on are referenced, smaller ones copied next to their neighbours. */
const REFERENCE_MIN_BYTES = 4096;
const FIRST_BUFFER_BYTES = 512;
const utf8 = new TextEncoder();

/**
 * Writes protobuf as a list of chunks. Large byte strings (weights) are referenced, never copied, however deep the message that
 * holds them: whoever needs one buffer copies them once (`concatenate`), a file takes the chunks as they are.
 */
export class WireWriter {
  readonly #chunks: Uint8Array[] = [];
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #flushedBytes = 0;

  /** Bytes written so far. */
  get byteLength(): number {
    return this.#flushedBytes + this.#length;
  }

  /** The message in pieces, in order. The writer must not be used afterwards. */
  chunks(): readonly Uint8Array[] {
    this.#flush();
    return this.#chunks;
  }

  uint32(field: number, value: number): void {
    this.#tag(field, WIRE_VARINT);
    this.varint(value);
  }

  /** Also enums and bools. Negative values take ten bytes. */
  int64(field: number, value: number | bigint): void {
    this.#tag(field, WIRE_VARINT);
    this.varint(value);
  }

  bool(field: number, value: boolean): void {
    this.uint32(field, value ? 1 : 0);
  }

  float(field: number, value: number): void {
    this.#tag(field, WIRE_FIXED32);
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  double(field: number, value: number): void {
    this.#tag(field, WIRE_FIXED64);
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  string(field: number, value: string): void {
    this.bytes(field, utf8.encode(value));
  }

  /** `value` is referenced when large: it must not change until the chunks were used. */
  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, WIRE_BYTES);
    this.varint(value.length);
    this.#raw(value);
  }

  message(field: number, write: (writer: WireWriter) => void): void {
    const nested = new WireWriter();
    write(nested);
    this.#tag(field, WIRE_BYTES);
    this.varint(nested.byteLength);
    for (const chunk of nested.chunks()) this.#raw(chunk);
  }

  packedInt64(field: number, values: Iterable<number | bigint>): void {
    this.message(field, (nested) => {
      for (const value of values) nested.varint(value);
    });
  }

  packedFloat(field: number, values: ArrayLike<number>): void {
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < values.length; index++) view.setFloat32(index * 4, values[index] as number, true);
    this.bytes(field, bytes);
  }

  /** A value without a tag, as inside a packed field. */
  varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= 0 && value <= 0xffff_ffff) {
      let rest = value;
      while (rest > 0x7f) {
        this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
        rest = Math.floor(rest / 128);
      }
      this.#buffer[this.#length++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  #raw(value: Uint8Array): void {
    if (value.length >= REFERENCE_MIN_BYTES) {
      this.#flush();
      this.#chunks.push(value);
      this.#flushedBytes += value.length;
      return;
    }
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }

  #flush(): void {
    if (this.#length === 0) return;
    this.#chunks.push(this.#buffer.subarray(0, this.#length));
    this.#flushedBytes += this.#length;
    this.#buffer = new Uint8Array(FIRST_BUFFER_BYTES);
    this.#view = new DataView(this.#buffer.buffer);
    this.#length = 0;
  }
}

/** One buffer of all chunks. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const result = new Uint8Array(length);
  let position = 0;
  for (const chunk of chunks) {
    result.set(chunk, position);
    position += chunk.length;
  }
  return result;
}
