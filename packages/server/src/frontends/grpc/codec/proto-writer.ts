import { FIXED64, LENGTH_DELIMITED, VARINT } from './proto-reader.ts';

/** Strings up to this size are written in place, character by character, when they are ASCII. */
const SHORT_TEXT = 64;

/** Writes protobuf fields into one buffer that grows and is used again; what it holds must be copied before the next message. */
export class ProtoWriter {
  #buffer: Buffer;
  length = 0;

  constructor(byteLength: number) {
    this.#buffer = Buffer.allocUnsafeSlow(byteLength);
  }

  /** What was written; valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  copyTo(target: Buffer, offset: number): void {
    this.#buffer.copy(target, offset, 0, this.length);
  }

  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.length++] = rest;
  }

  /** An int64: negative numbers take ten bytes. */
  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      this.#buffer[this.length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#buffer[this.length++] = Number(rest);
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** A field of text; an empty one is left out, as proto3 does. */
  string(field: number, text: string): void {
    if (text !== '') this.presentString(field, text);
  }

  /** A field of text that is written even when it is empty: a member of a union, a key. */
  presentString(field: number, text: string): void {
    this.tag(field, LENGTH_DELIMITED);
    const { length } = text;
    if (length <= SHORT_TEXT) {
      this.#reserve(length + 1);
      const start = this.length;
      this.#buffer[start] = length;
      if (this.#ascii(text, start + 1)) {
        this.length = start + 1 + length;
        return;
      }
    }
    const byteLength = Buffer.byteLength(text);
    this.varint(byteLength);
    this.#reserve(byteLength);
    this.#buffer.write(text, this.length, 'utf8');
    this.length += byteLength;
  }

  bool(field: number, value: boolean): void {
    this.tag(field, VARINT);
    this.varint(value ? 1 : 0);
  }

  double(field: number, value: number): void {
    this.tag(field, FIXED64);
    this.#reserve(8);
    this.length = this.#buffer.writeDoubleLE(value, this.length);
  }

  /** Begins a message or a packed run; `end` gets what this answers. */
  begin(field: number): number {
    this.tag(field, LENGTH_DELIMITED);
    this.#reserve(1);
    return this.length++;
  }

  /** Puts the length in front of what was written since `begin`. */
  end(start: number): void {
    const byteLength = this.length - start - 1;
    if (byteLength < 128) {
      this.#buffer[start] = byteLength;
      return;
    }
    const extra = varintLength(byteLength) - 1;
    this.#reserve(extra);
    this.#buffer.copyWithin(start + 1 + extra, start + 1, this.length);
    this.length = start;
    this.varint(byteLength);
    this.length += byteLength;
  }

  /** False when the text is not ASCII; what was written then does not count. */
  #ascii(text: string, start: number): boolean {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      this.#buffer[start + index] = code;
    }
    return true;
  }

  #reserve(byteLength: number): void {
    if (this.length + byteLength <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow((this.length + byteLength) * 2);
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}

/** Bytes of a varint. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a varint at `offset` and answers what stands behind it. */
export function writeVarint(target: Buffer, offset: number, value: number): number {
  let position = offset;
  let rest = value;
  while (rest >= 128) {
    target[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[position++] = rest;
  return position;
}
