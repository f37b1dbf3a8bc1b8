import { type JsonErrorKind, jsonSyntaxError } from './json-error.ts';
import type { StringTable } from './string-table.ts';

const MAX_UINT64 = 18446744073709551615n;
const MIN_INT64 = -9223372036854775808n;
/** Largest decimal exponent a double has; RapidJSON refuses larger ones. */
const MAX_EXPONENT = 308;
/** Decimal digits a double always holds exactly. */
const EXACT_DIGITS = 15;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const ESCAPES: readonly number[] = escapeTable();

function escapeTable(): number[] {
  const table = new Array<number>(256).fill(0);
  for (const [letter, code] of Object.entries({ '"': 34, '/': 47, '\\': 92, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
    table[letter.charCodeAt(0)] = code;
  }
  return table;
}

/**
 * Reads JSON tokens from bytes, with RapidJSON's rules as Triton uses it: `NaN`, `Infinity` and `Inf` are numbers, any bytes are
 * allowed in strings, a zero byte ends the text.
 *
 * `bytes` must hold a zero byte at the end of the text (at `end`), so that no loop needs a bounds check.
 */
export class JsonCursor {
  readonly bytes: Uint8Array;
  /** Offset of the text in `bytes`; errors count from here. */
  readonly start: number;
  readonly strings: StringTable;
  pos: number;
  /** What `number()` read. An integer is a number where that is exact, else a bigint. */
  isInteger = false;
  integer: number | bigint = 0;
  double = 0;
  /** What `stringPart` read so far. */
  text = '';

  constructor(bytes: Uint8Array, start: number, strings: StringTable) {
    this.bytes = bytes;
    this.start = start;
    this.pos = start;
    this.strings = strings;
  }

  /** A byte order mark, or the part of one that is there, is skipped. */
  skipByteOrderMark(): void {
    if (this.bytes[this.pos] === 0xef) this.pos++;
    if (this.bytes[this.pos] === 0xbb) this.pos++;
    if (this.bytes[this.pos] === 0xbf) this.pos++;
  }

  error(kind: JsonErrorKind, position = this.pos): Error {
    return jsonSyntaxError(kind, position - this.start);
  }

  /** Skips blanks from `pos` and returns the byte there. */
  peek(): number {
    const bytes = this.bytes;
    let pos = this.pos;
    let byte = bytes[pos]!;
    while (byte === 32 || byte === 10 || byte === 13 || byte === 9) byte = bytes[++pos]!;
    this.pos = pos;
    return byte;
  }

  /** Skips blanks up to `stopAt`; false when there may be more of them. */
  skipBlanks(stopAt: number): boolean {
    const bytes = this.bytes;
    let pos = this.pos;
    let byte = bytes[pos]!;
    while ((byte === 32 || byte === 10 || byte === 13 || byte === 9) && pos < stopAt) byte = bytes[++pos]!;
    this.pos = pos;
    return pos < stopAt;
  }

  /** Reads `true`, `false` or `null`, whose first letter is at `pos`. */
  keyword(text: string): void {
    for (let index = 0; index < text.length; index++) {
      if (this.bytes[this.pos] !== text.charCodeAt(index)) throw this.error('valueInvalid');
      this.pos++;
    }
  }

  /** Reads a number into `isInteger`, `integer` and `double`. Doubles are rounded correctly. */
  number(): void {
    const bytes = this.bytes;
    const start = this.pos;
    let pos = start;
    if (bytes[pos] === 45) pos++;
    const first = bytes[pos]! - 48;
    if (first === 0) {
      pos++;
    } else if (first > 0 && first <= 9) {
      pos = skipDigits(bytes, pos);
    } else {
      this.pos = pos;
      this.#notANumber(start);
      return;
    }
    const integerEnd = pos;
    let fractionDigits = 0;
    if (bytes[pos] === 46) {
      const fraction = ++pos;
      pos = skipDigits(bytes, pos);
      if (pos === fraction) throw this.error('missingFraction', pos);
      fractionDigits = pos - fraction;
    }
    if (bytes[pos] === 101 || bytes[pos] === 69) {
      pos = this.#exponent(pos + 1, fractionDigits, start);
    }
    this.pos = pos;
    if (pos === integerEnd) {
      this.#integer(start, pos);
    } else {
      this.isInteger = false;
      this.double = Number(latin1(bytes, start, pos));
    }
  }

  #exponent(from: number, fractionDigits: number, start: number): number {
    const bytes = this.bytes;
    let pos = from;
    const negative = bytes[pos] === 45;
    if (negative || bytes[pos] === 43) pos++;
    const digits = pos;
    pos = skipDigits(bytes, pos);
    if (pos === digits) throw this.error('missingExponent', pos);
    if (negative || pos - digits === 1) return pos;
    // A fraction makes room: 0.001e310 is within range.
    let exponent = 0;
    for (let index = digits; index < pos && exponent <= 1e9; index++) exponent = exponent * 10 + bytes[index]! - 48;
    if (exponent > MAX_EXPONENT + fractionDigits) throw this.error('numberTooBig', start);
    return pos;
  }

  #integer(start: number, end: number): void {
    const bytes = this.bytes;
    const negative = bytes[start] === 45;
    const from = negative ? start + 1 : start;
    if (end - from <= EXACT_DIGITS) {
      let value = 0;
      for (let index = from; index < end; index++) value = value * 10 + bytes[index]! - 48;
      this.isInteger = true;
      this.integer = negative && value !== 0 ? -value : value;
      return;
    }
    const text = latin1(bytes, start, end);
    // 2^64 has 20 digits: longer texts need not become a bigint to know that they do not fit.
    if (end - from <= 20) {
      const value = BigInt(text);
      if (negative ? value >= MIN_INT64 : value <= MAX_UINT64) {
        this.isInteger = true;
        const number = Number(value);
        this.integer = Number.isSafeInteger(number) ? number : value;
        return;
      }
    }
    this.isInteger = false;
    this.double = Number(text);
    if (!Number.isFinite(this.double)) throw this.error('numberTooBig', start);
  }

  /** `NaN`, `Inf`, `Infinity` at `pos`, with `start` before a minus sign. */
  #notANumber(start: number): void {
    const bytes = this.bytes;
    const negative = bytes[start] === 45;
    this.isInteger = false;
    if (bytes[this.pos] === 78) {
      this.keyword('NaN');
      this.double = Number.NaN;
    } else if (bytes[this.pos] === 73) {
      this.keyword('Inf');
      if (bytes[this.pos] === 105) this.keyword('inity');
      this.double = negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    } else {
      throw this.error('valueInvalid');
    }
  }

  /**
   * Appends a string's characters to `text` up to the closing quote and answers true, or false when it passed `stopAt` before the end:
   * `pos` is then inside the string, and another call goes on. `pos` must be behind the opening quote at first.
   */
  stringPart(stopAt: number): boolean {
    const bytes = this.bytes;
    if (this.text === '') {
      const end = this.strings.endOfShort(bytes, this.pos);
      if (end >= 0) {
        this.text = this.strings.text;
        this.pos = end + 1;
        return true;
      }
    }
    // Joined rather than added one to the other: a million escapes would make a string that takes long to be read.
    const pieces: string[] = [];
    for (;;) {
      const start = this.pos;
      let pos = start;
      let byte = bytes[pos]!;
      while (byte !== 34 && byte !== 92 && byte >= 32 && pos < stopAt) byte = bytes[++pos]!;
      // Never stop inside a character of several bytes.
      while (pos >= stopAt && (byte & 0xc0) === 0x80) byte = bytes[++pos]!;
      this.pos = pos;
      if (pos > start) pieces.push(decoder.decode(bytes.subarray(start, pos)));
      if (byte === 34) {
        this.pos = pos + 1;
        this.#append(pieces);
        return true;
      }
      if (byte === 92) pieces.push(String.fromCodePoint(this.escape()));
      else if (byte < 32) throw this.error(byte === 0 ? 'missingQuote' : 'badEscape', pos);
      if (this.pos >= stopAt) {
        this.#append(pieces);
        return false;
      }
    }
  }

  #append(pieces: readonly string[]): void {
    const part = pieces.length === 1 ? pieces[0]! : pieces.join('');
    this.text = this.text === '' ? part : this.text + part;
  }

  /** Skips a string like `stringPart`. */
  skipStringPart(stopAt: number): boolean {
    const bytes = this.bytes;
    let pos = this.pos;
    for (;;) {
      let byte = bytes[pos]!;
      while (byte !== 34 && byte !== 92 && byte >= 32 && pos < stopAt) byte = bytes[++pos]!;
      this.pos = pos;
      if (byte === 34) {
        this.pos = pos + 1;
        return true;
      }
      if (byte === 92) {
        this.escape();
        pos = this.pos;
        if (pos >= stopAt) return false;
      } else if (byte < 32) {
        throw this.error(byte === 0 ? 'missingQuote' : 'badEscape', pos);
      } else {
        return false;
      }
    }
  }

  /** Reads an escape, whose backslash is at `pos`, and returns the code point. A lone low surrogate stays as it is, as in RapidJSON 1.1. */
  escape(): number {
    const bytes = this.bytes;
    const start = this.pos;
    const letter = bytes[start + 1]!;
    const plain = ESCAPES[letter]!;
    if (plain !== 0) {
      this.pos = start + 2;
      return plain;
    }
    if (letter !== 117) throw this.error('badEscape', start);
    const code = this.#hex4(start + 2, start);
    if (code < 0xd800 || code > 0xdbff) {
      this.pos = start + 6;
      return code;
    }
    if (bytes[start + 6] !== 92 || bytes[start + 7] !== 117) throw this.error('badSurrogate', start);
    const low = this.#hex4(start + 8, start);
    if (low < 0xdc00 || low > 0xdfff) throw this.error('badSurrogate', start);
    this.pos = start + 12;
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }

  #hex4(from: number, escapeStart: number): number {
    let code = 0;
    for (let index = from; index < from + 4; index++) {
      const digit = hexDigit(this.bytes[index]!);
      if (digit < 0) throw this.error('badHexDigit', escapeStart);
      code = code * 16 + digit;
    }
    return code;
  }
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let pos = from;
  let byte = bytes[pos]!;
  while (byte >= 48 && byte <= 57) byte = bytes[++pos]!;
  return pos;
}

/** Text of number characters, which are ASCII. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 32) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let index = start; index < end; index++) text += String.fromCharCode(bytes[index]!);
  return text;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  if (byte >= 65 && byte <= 70) return byte - 55;
  if (byte >= 97 && byte <= 102) return byte - 87;
  return -1;
}
