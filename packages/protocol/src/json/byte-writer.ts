import { DecimalDigits } from './grisu.ts';

const HEX_DIGITS = '0123456789ABCDEF';
/** Integers below this are doubles with room to spare, and print as their own digits. */
const MAX_PLAIN_INTEGER = 2 ** 50;
/** Largest power of ten that is written out with zeros: 1e20 is 100000000000000000000.0, 1e21 is 1e21. */
const MAX_WRITTEN_OUT = 21;
const MIN_WRITTEN_OUT = -6;
/** Longest number text: sign, 17 digits, point, exponent; or 21 digits and `.0`. */
const MAX_NUMBER_BYTES = 32;

const encoder = new TextEncoder();

/** Letter behind the backslash for each byte that JSON strings escape; `u` for `\u00XX`, 0 for none. */
const ESCAPE_LETTERS: Uint8Array = escapeLetters();

function escapeLetters(): Uint8Array {
  const letters = new Uint8Array(256);
  letters.fill(117, 0, 32);
  const named: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\' };
  for (const [byte, letter] of Object.entries(named)) letters[Number(byte)] = letter.charCodeAt(0);
  return letters;
}

/** Writes JSON as RapidJSON does, into one growing array of bytes. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  readonly #decimal = new DecimalDigits();

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** What was written, as a view that the next write may invalidate. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.view());
    this.bytes = grown;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Text of ASCII characters, as it is. */
  ascii(text: string): void {
    const count = text.length;
    if (this.length + count > this.bytes.length) this.reserve(count);
    const bytes = this.bytes;
    let length = this.length;
    for (let index = 0; index < count; index++) bytes[length++] = text.charCodeAt(index);
    this.length = length;
  }

  raw(part: Uint8Array): void {
    this.reserve(part.byteLength);
    this.bytes.set(part, this.length);
    this.length += part.byteLength;
  }

  /** A JSON string. */
  string(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 126 || ESCAPE_LETTERS[code] !== 0) {
        const part = encoder.encode(text);
        this.stringBytes(part, 0, part.length);
        return;
      }
    }
    this.byte(34);
    this.ascii(text);
    this.byte(34);
  }

  /** A JSON string from bytes; those above ASCII go as they are, whether they are UTF-8 or not. */
  stringBytes(source: Uint8Array, start: number, end: number): void {
    this.byte(34);
    this.stringPart(source, start, end);
    this.byte(34);
  }

  /** Part of a JSON string from bytes, without quotes. */
  stringPart(source: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * 6);
    const bytes = this.bytes;
    let length = this.length;
    for (let index = start; index < end; index++) {
      const byte = source[index]!;
      const letter = ESCAPE_LETTERS[byte]!;
      if (letter === 0) {
        bytes[length++] = byte;
        continue;
      }
      bytes[length++] = 92;
      bytes[length++] = letter;
      if (letter === 117) {
        bytes[length++] = 48;
        bytes[length++] = 48;
        bytes[length++] = HEX_DIGITS.charCodeAt(byte >>> 4);
        bytes[length++] = HEX_DIGITS.charCodeAt(byte & 15);
      }
    }
    this.length = length;
  }

  /** An integer that a double holds exactly. */
  integer(value: number): void {
    if (this.length + MAX_NUMBER_BYTES > this.bytes.length) this.reserve(MAX_NUMBER_BYTES);
    const bytes = this.bytes;
    let rest = value;
    if (rest < 0) {
      bytes[this.length++] = 45;
      rest = -rest;
    }
    if (rest < 10) {
      bytes[this.length++] = 48 + rest;
      return;
    }
    let digits = 2;
    for (let power = 100; rest >= power; power *= 10) digits++;
    const end = this.length + digits;
    this.length = end;
    let index = end;
    while (rest > 0x7fffffff) {
      const tens = Math.floor(rest / 10);
      bytes[--index] = 48 + (rest - tens * 10);
      rest = tens;
    }
    let small = rest | 0;
    while (index > end - digits) {
      const tens = (small / 10) | 0;
      bytes[--index] = 48 + (small - tens * 10);
      small = tens;
    }
  }

  bigInteger(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) this.integer(Number(value));
    else this.ascii(value.toString());
  }

  /** A double: with a point or an exponent always, `NaN` and `Infinity` bare. */
  double(value: number): void {
    if (Number.isNaN(value)) {
      this.ascii('NaN');
      return;
    }
    if (this.length + MAX_NUMBER_BYTES > this.bytes.length) this.reserve(MAX_NUMBER_BYTES);
    let rest = value;
    if (rest < 0 || Object.is(rest, -0)) {
      this.bytes[this.length++] = 45;
      rest = -rest;
    }
    if (rest < MAX_PLAIN_INTEGER && Math.floor(rest) === rest) {
      this.integer(rest);
      this.bytes[this.length++] = 46;
      this.bytes[this.length++] = 48;
    } else if (rest === Number.POSITIVE_INFINITY) {
      this.ascii('Infinity');
    } else {
      this.#decimal.convert(rest);
      this.#digits();
    }
  }

  /** Puts point and exponent to the digits as RapidJSON's Prettify does. */
  #digits(): void {
    const { digits, length: count, exponent } = this.#decimal;
    const bytes = this.bytes;
    let length = this.length;
    const point = count + exponent;
    if (exponent >= 0 && point <= MAX_WRITTEN_OUT) {
      for (let index = 0; index < count; index++) bytes[length++] = digits[index]!;
      for (let zeros = exponent; zeros > 0; zeros--) bytes[length++] = 48;
      bytes[length++] = 46;
      bytes[length++] = 48;
    } else if (point > 0 && point <= MAX_WRITTEN_OUT) {
      for (let index = 0; index < count; index++) {
        if (index === point) bytes[length++] = 46;
        bytes[length++] = digits[index]!;
      }
    } else if (point > MIN_WRITTEN_OUT && point <= 0) {
      bytes[length++] = 48;
      bytes[length++] = 46;
      for (let zeros = point; zeros < 0; zeros++) bytes[length++] = 48;
      for (let index = 0; index < count; index++) bytes[length++] = digits[index]!;
    } else {
      bytes[length++] = digits[0]!;
      if (count > 1) bytes[length++] = 46;
      for (let index = 1; index < count; index++) bytes[length++] = digits[index]!;
      bytes[length++] = 101;
      this.length = length;
      this.integer(point - 1);
      return;
    }
    this.length = length;
  }
}
