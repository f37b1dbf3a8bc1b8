import { BYTES_PREFIX_SIZE } from '../bytes-elements.ts';
import { StatusError } from '../status.ts';
import type { JsonCursor } from './json-cursor.ts';
import type { ElementSink } from './tensor-data-reader.ts';

/** JSON strings into BYTES contents: the length, then the characters as they stand in the text, escapes resolved. */
export class BytesDataWriter implements ElementSink {
  failure: StatusError | undefined = undefined;
  betweenElements = true;
  readonly expectsValue = false;
  readonly #out: Uint8Array;
  /** Bytes the contents need; those beyond the room are counted only. */
  #length = 0;
  #elementStart = 0;

  /** An element of `n` bytes takes `n + 3` of the text (quotes, comma) and `n + 4` of the contents. */
  constructor(textBytes: number, maxBytes: number) {
    this.#out = new Uint8Array(Math.min(Math.ceil((textBytes * 4) / 3), maxBytes) + BYTES_PREFIX_SIZE);
  }

  /** Bytes of the contents, larger than the limit when they were cut off there. */
  get byteLength(): number {
    return this.#length;
  }

  read(cursor: JsonCursor, stopAt: number): boolean {
    if (this.betweenElements) {
      if (cursor.bytes[cursor.pos] !== 34) return this.#refuse(cursor);
      cursor.pos++;
      this.#elementStart = this.#length;
      this.#length += BYTES_PREFIX_SIZE;
    }
    this.betweenElements = this.#string(cursor, stopAt);
    if (this.betweenElements) this.#writeLength();
    return true;
  }

  /** What is no string is either another value or, where it is none, the number parser's error. */
  #refuse(cursor: JsonCursor): boolean {
    const start = cursor.pos;
    if (!beginsOtherValue(cursor.bytes[start]!)) cursor.number();
    cursor.pos = start;
    this.failure = new StatusError(
      'INTERNAL',
      'Unable to parse JSON bytes array: attempt to access JSON non-string as string',
    );
    return false;
  }

  finish(): Uint8Array | undefined {
    return this.#out.subarray(0, Math.min(this.#length, this.#out.byteLength));
  }

  #string(cursor: JsonCursor, stopAt: number): boolean {
    const bytes = cursor.bytes;
    const out = this.#out;
    let pos = cursor.pos;
    let length = this.#length;
    for (;;) {
      let byte = bytes[pos]!;
      while (byte !== 34 && byte !== 92 && byte >= 32 && pos < stopAt) {
        out[length++] = byte;
        byte = bytes[++pos]!;
      }
      cursor.pos = pos;
      this.#length = length;
      if (byte === 34) {
        cursor.pos = pos + 1;
        return true;
      }
      if (byte === 92) {
        this.#codePoint(cursor.escape());
        pos = cursor.pos;
        length = this.#length;
        if (pos >= stopAt) return false;
      } else if (byte < 32) {
        throw cursor.error(byte === 0 ? 'missingQuote' : 'badEscape', pos);
      } else {
        return false;
      }
    }
  }

  /** UTF-8; a lone surrogate becomes three bytes like any other code point of its size. */
  #codePoint(code: number): void {
    if (code < 0x80) {
      this.#put(code);
    } else if (code < 0x800) {
      this.#put(0xc0 | (code >> 6));
      this.#put(0x80 | (code & 63));
    } else {
      if (code < 0x10000) {
        this.#put(0xe0 | (code >> 12));
      } else {
        this.#put(0xf0 | (code >> 18));
        this.#put(0x80 | ((code >> 12) & 63));
      }
      this.#put(0x80 | ((code >> 6) & 63));
      this.#put(0x80 | (code & 63));
    }
  }

  #put(byte: number): void {
    this.#out[this.#length++] = byte;
  }

  #writeLength(): void {
    const size = this.#length - this.#elementStart - BYTES_PREFIX_SIZE;
    for (let index = 0; index < BYTES_PREFIX_SIZE; index++) {
      this.#out[this.#elementStart + index] = (size >>> (index * 8)) & 0xff;
    }
  }
}

function beginsOtherValue(byte: number): boolean {
  return byte === 91 || byte === 123 || byte === 116 || byte === 102 || byte === 110;
}
