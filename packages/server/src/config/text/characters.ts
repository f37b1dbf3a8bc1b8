/** Byte values and classes of the text format's lexical grammar (https://protobuf.dev/reference/protobuf/textformat-spec/#characters). */
export const NEWLINE = 0x0a;
export const TAB = 0x09;
export const BACKSLASH = 0x5c;
export const DOUBLE_QUOTE = 0x22;
export const SINGLE_QUOTE = 0x27;
export const HASH = 0x23;
export const DOT = 0x2e;
export const MINUS = 0x2d;
export const PLUS = 0x2b;
export const ZERO = 0x30;

export function isWhitespace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function isOctalDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x37;
}

export function isHexDigit(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

export function isLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}

/** True for `byte` being `lower` or its capital letter. */
export function isEither(byte: number, lower: string): boolean {
  return (byte | 0x20) === lower.charCodeAt(0);
}
