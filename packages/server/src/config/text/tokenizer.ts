import {
  BACKSLASH,
  DOT,
  DOUBLE_QUOTE,
  HASH,
  isDigit,
  isEither,
  isHexDigit,
  isLetter,
  isOctalDigit,
  isWhitespace,
  MINUS,
  NEWLINE,
  PLUS,
  SINGLE_QUOTE,
  TAB,
  ZERO,
} from './characters.ts';
import type { TextPosition } from './problem.ts';
import { isSimpleEscape } from './string-literal.ts';

export type TokenType = 'identifier' | 'integer' | 'float' | 'string' | 'symbol' | 'end';

const TAB_WIDTH = 8;
/** Bytes of a token that an error message repeats. */
const MAX_QUOTED_BYTES = 256;

/**
 * Splits protobuf text format into tokens, with libprotobuf's positions and error texts. It works on bytes because columns count bytes.
 * An error inside a token is reported and reading goes on; the fields describe the current token.
 */
export class Tokenizer {
  type: TokenType = 'end';
  start = 0;
  end = 0;
  /** Of the token's first byte, both from 0. */
  line = 0;
  column = 0;

  readonly #bytes: Uint8Array;
  readonly #report: (line: number, column: number, message: string) => void;
  #at = 0;
  #line = 0;
  #column = 0;
  #previousType: TokenType = 'end';
  #previousEnd = -1;

  constructor(bytes: Uint8Array, report: (line: number, column: number, message: string) => void) {
    this.#bytes = bytes;
    this.#report = report;
  }

  /** The token as written; a long one is cut, since it is only repeated in messages. */
  get text(): string {
    const end = Math.min(this.end, this.start + MAX_QUOTED_BYTES);
    return new TextDecoder().decode(this.#bytes.subarray(this.start, end));
  }

  /** The whole token. */
  get raw(): Uint8Array {
    return this.#bytes.subarray(this.start, this.end);
  }

  get position(): TextPosition {
    return { line: this.line + 1, column: this.column + 1 };
  }

  isSymbol(symbol: string): boolean {
    return this.type === 'symbol' && this.#bytes[this.start] === symbol.charCodeAt(0);
  }

  next(): void {
    this.#previousType = this.type;
    this.#previousEnd = this.end;
    this.#skipBlanks();
    this.start = this.#at;
    this.line = this.#line;
    this.column = this.#column;
    this.type = this.#at >= this.#bytes.length ? 'end' : this.#scan();
    this.end = this.#at;
  }

  #peek(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  #advance(): void {
    const byte = this.#bytes[this.#at];
    if (byte === NEWLINE) {
      this.#line += 1;
      this.#column = 0;
    } else if (byte === TAB) {
      this.#column += TAB_WIDTH - (this.#column % TAB_WIDTH);
    } else {
      this.#column += 1;
    }
    this.#at += 1;
  }

  #take(accepts: (byte: number) => boolean): boolean {
    if (!accepts(this.#peek())) return false;
    this.#advance();
    return true;
  }

  #takeAll(accepts: (byte: number) => boolean): void {
    while (accepts(this.#peek())) this.#advance();
  }

  #error(message: string): void {
    this.#report(this.#line, this.#column, message);
  }

  #skipBlanks(): void {
    for (;;) {
      this.#takeAll(isWhitespace);
      const byte = this.#peek();
      if (byte === HASH) {
        this.#takeAll((next) => next !== NEWLINE && next > 0);
      } else if (byte >= 0 && byte < 0x20) {
        this.#error('Invalid control characters encountered in text.');
        this.#takeAll((next) => next >= 0 && next < 0x20 && !isWhitespace(next));
      } else {
        return;
      }
    }
  }

  #scan(): TokenType {
    const byte = this.#peek();
    this.#advance();
    if (isLetter(byte)) {
      this.#takeAll((next) => isLetter(next) || isDigit(next));
      return 'identifier';
    }
    if (isDigit(byte)) return this.#scanNumber(byte === ZERO, false);
    if (byte === DOT && isDigit(this.#peek())) {
      if (this.#previousType === 'identifier' && this.#previousEnd === this.start) {
        this.#report(this.#line, this.#column - 1, 'Need space between identifier and decimal point.');
      }
      return this.#scanNumber(false, true);
    }
    if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) {
      this.#scanString(byte);
      return 'string';
    }
    if (byte >= 0x80) this.#report(this.line, this.column, `Interpreting non ascii codepoint ${byte}.`);
    return 'symbol';
  }

  #scanNumber(startedWithZero: boolean, startedWithDot: boolean): TokenType {
    let isFloat = startedWithDot;
    if (startedWithZero && this.#take((byte) => isEither(byte, 'x'))) {
      if (!isHexDigit(this.#peek())) this.#error('"0x" must be followed by hex digits.');
      this.#takeAll(isHexDigit);
    } else if (startedWithZero && isDigit(this.#peek())) {
      this.#takeAll(isOctalDigit);
      if (isDigit(this.#peek())) {
        this.#error('Numbers starting with leading zero must be in octal.');
        this.#takeAll(isDigit);
      }
    } else {
      isFloat = this.#scanDecimal(startedWithDot);
    }
    if (isLetter(this.#peek())) {
      this.#error('Need space between number and identifier.');
    } else if (this.#peek() === DOT) {
      this.#error(
        isFloat
          ? "Already saw decimal point or exponent; can't have another one."
          : 'Hex and octal numbers must be integers.',
      );
    }
    return isFloat ? 'float' : 'integer';
  }

  #scanDecimal(startedWithDot: boolean): boolean {
    let isFloat = startedWithDot;
    this.#takeAll(isDigit);
    if (!startedWithDot && this.#take((byte) => byte === DOT)) {
      isFloat = true;
      this.#takeAll(isDigit);
    }
    if (this.#take((byte) => isEither(byte, 'e'))) {
      isFloat = true;
      this.#take((byte) => byte === MINUS || byte === PLUS);
      if (!isDigit(this.#peek())) this.#error('"e" must be followed by exponent.');
      this.#takeAll(isDigit);
    }
    return this.#take((byte) => isEither(byte, 'f')) || isFloat;
  }

  #scanString(quote: number): void {
    for (;;) {
      const byte = this.#peek();
      if (byte <= 0 || byte === NEWLINE) {
        this.#error(byte <= 0 ? 'Unexpected end of string.' : 'String literals cannot cross line boundaries.');
        return;
      }
      this.#advance();
      if (byte === quote) return;
      if (byte === BACKSLASH) this.#scanEscape();
    }
  }

  #scanEscape(): void {
    if (this.#take(isSimpleEscape) || this.#take(isOctalDigit)) return;
    if (this.#take((byte) => isEither(byte, 'x'))) {
      if (!this.#take(isHexDigit)) this.#error('Expected hex digits for escape sequence.');
    } else if (this.#take((byte) => byte === 0x75)) {
      if (!this.#takeTimes(4, isHexDigit)) this.#error('Expected four hex digits for \\u escape sequence.');
    } else if (this.#take((byte) => byte === 0x55)) {
      const valid =
        this.#takeTimes(2, (byte) => byte === ZERO) &&
        this.#take((byte) => byte === ZERO || byte === ZERO + 1) &&
        this.#takeTimes(5, isHexDigit);
      if (!valid) this.#error('Expected eight hex digits up to 10ffff for \\U escape sequence');
    } else {
      this.#error('Invalid escape sequence in string literal.');
    }
  }

  #takeTimes(count: number, accepts: (byte: number) => boolean): boolean {
    for (let taken = 0; taken < count; taken++) {
      if (!this.#take(accepts)) return false;
    }
    return true;
  }
}
