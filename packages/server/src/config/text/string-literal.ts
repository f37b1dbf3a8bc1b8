import { BACKSLASH, isHexDigit, isOctalDigit } from './characters.ts';

const SIMPLE_ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 0x5c, '?': 0x3f, "'": 0x27, '"': 0x22 }).map(
    ([letter, value]) => [letter.charCodeAt(0), value],
  ),
);

/** True when `byte` may follow a backslash on its own. */
export function isSimpleEscape(byte: number): boolean {
  return SIMPLE_ESCAPES.has(byte);
}

/**
 * The string that a quoted literal stands for. `literal` starts with its quote; the closing one may be missing. Escapes that the
 * tokenizer refused are kept as they are.
 */
export function decodeStringLiteral(literal: Uint8Array): Uint8Array {
  const out = new Uint8Array(literal.length);
  let length = 0;
  let position = 1;
  while (position < literal.length) {
    const byte = literal[position] as number;
    if (byte === BACKSLASH && position + 1 < literal.length) {
      const { bytes, end } = readEscape(literal, position + 1);
      out.set(bytes, length);
      length += bytes.length;
      position = end;
    } else if (byte === literal[0] && position + 1 === literal.length) {
      position += 1;
    } else {
      out[length++] = byte;
      position += 1;
    }
  }
  return out.subarray(0, length);
}

interface Escape {
  readonly bytes: readonly number[] | Uint8Array;
  readonly end: number;
}

/** Reads what follows a backslash. No escape stands for more bytes than it is long. */
function readEscape(literal: Uint8Array, start: number): Escape {
  const byte = literal[start] as number;
  const simple = SIMPLE_ESCAPES.get(byte);
  if (simple !== undefined) return { bytes: [simple], end: start + 1 };
  if (isOctalDigit(byte)) {
    const end = digitsEnd(literal, start, 3, isOctalDigit);
    return { bytes: [parseDigits(literal, start, end, 8) & 0xff], end };
  }
  if (byte === 0x78 || byte === 0x58) {
    const end = digitsEnd(literal, start + 1, 2, isHexDigit);
    return { bytes: end === start + 1 ? [byte] : [parseDigits(literal, start + 1, end, 16)], end };
  }
  if (byte === 0x75 || byte === 0x55) return readUnicodeEscape(literal, start, byte === 0x75 ? 4 : 8);
  return { bytes: [byte], end: start + 1 };
}

function readUnicodeEscape(literal: Uint8Array, start: number, count: number): Escape {
  const end = digitsEnd(literal, start + 1, count, isHexDigit);
  if (end - start - 1 !== count) return { bytes: [literal[start] as number], end: start + 1 };
  const codePoint = parseDigits(literal, start + 1, end, 16);
  if (codePoint >= 0xd800 && codePoint <= 0xdbff && literal[end] === BACKSLASH && literal[end + 1] === 0x75) {
    const lowEnd = digitsEnd(literal, end + 2, 4, isHexDigit);
    const low = lowEnd === end + 6 ? parseDigits(literal, end + 2, lowEnd, 16) : 0;
    if (low >= 0xdc00 && low <= 0xdfff) {
      return { bytes: encode(0x10000 + ((codePoint - 0xd800) << 10) + (low - 0xdc00)), end: lowEnd };
    }
  }
  return { bytes: codePoint <= 0x10ffff ? encode(codePoint) : [0x3f], end };
}

function encode(codePoint: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(codePoint));
}

function digitsEnd(literal: Uint8Array, start: number, max: number, accepts: (byte: number) => boolean): number {
  let end = start;
  while (end < start + max && end < literal.length && accepts(literal[end] as number)) end += 1;
  return end;
}

function parseDigits(literal: Uint8Array, start: number, end: number, radix: number): number {
  return Number.parseInt(String.fromCharCode(...literal.subarray(start, end)), radix);
}
