import { ImageError } from '../image-error.ts';
import type { ImageHeader } from './image-header.ts';
import type { PixelSource } from './pixel-source.ts';

interface PnmHeader extends ImageHeader {
  /** 1-3 are text, 4-6 binary; bitmap, grey map, pixel map. */
  readonly kind: number;
  readonly maxValue: number;
  readonly dataOffset: number;
}

const MAX_DIGITS = 9;

/** Header of a Netpbm file: P1 to P6, comments allowed. Throws ImageError. */
export function readPnmHeader(bytes: Uint8Array): PnmHeader {
  const kind = bytes[1]! - 0x30;
  const cursor = { at: 2 };
  const width = readNumber(bytes, cursor, 'width');
  const height = readNumber(bytes, cursor, 'height');
  const isBitmap = kind === 1 || kind === 4;
  const maxValue = isBitmap ? 1 : readNumber(bytes, cursor, 'maximum value');
  if (width === 0 || height === 0) throw new ImageError('corrupt', `PNM image of ${width}x${height} pixels`);
  if (maxValue === 0 || maxValue > 65535)
    throw new ImageError('corrupt', `PNM maximum value ${maxValue} is out of range`);
  return {
    format: 'pnm',
    width,
    height,
    channels: kind === 3 || kind === 6 ? 3 : 1,
    bitsPerSample: maxValue > 255 ? 16 : 8,
    orientation: 1,
    kind,
    maxValue,
    dataOffset: cursor.at + 1,
  };
}

/** Pixels scaled to the full range of 8 or 16 bits. Throws ImageError (`truncated`, `corrupt`). */
export function decodePnm(bytes: Uint8Array): PixelSource {
  const header = readPnmHeader(bytes);
  const count = header.width * header.height * header.channels;
  const needed = binarySize(header);
  if (bytes.length - header.dataOffset < needed)
    throw new ImageError('truncated', `truncated PNM file: ${needed} bytes of pixels expected`);
  const range = header.maxValue > 255 ? 65535 : 255;
  const data = range === 255 ? new Uint8Array(count) : new Uint16Array(count);
  const read = sampleReader(bytes, header);
  for (let i = 0; i < count; i++) data[i] = scale(read(i), header.maxValue, range);
  return { width: header.width, height: header.height, channels: header.channels, data };
}

/** Fewest bytes the pixels take; a text sample is at least a digit. */
function binarySize({ kind, width, height, channels, maxValue }: PnmHeader): number {
  if (kind <= 3) return width * height * channels;
  if (kind === 4) return Math.ceil(width / 8) * height;
  return width * height * channels * (maxValue > 255 ? 2 : 1);
}

/** Reads samples in order. */
function sampleReader(bytes: Uint8Array, header: PnmHeader): (index: number) => number {
  const { kind, width, dataOffset, maxValue } = header;
  if (kind === 4) {
    const stride = Math.ceil(width / 8);
    return (i) => {
      const x = i % width;
      return 1 - ((bytes[dataOffset + Math.floor(i / width) * stride + (x >> 3)]! >> (7 - (x & 7))) & 1);
    };
  }
  if (kind >= 5) {
    if (maxValue > 255) return (i) => bytes[dataOffset + 2 * i]! * 256 + bytes[dataOffset + 2 * i + 1]!;
    return (i) => bytes[dataOffset + i]!;
  }
  const cursor = { at: dataOffset - 1 };
  if (kind === 1) return () => 1 - readBit(bytes, cursor);
  return () => readNumber(bytes, cursor, 'sample');
}

function scale(value: number, maxValue: number, range: number): number {
  const clamped = Math.min(value, maxValue);
  return maxValue === range ? clamped : Math.floor((clamped * range) / maxValue + 0.5);
}

function readNumber(bytes: Uint8Array, cursor: { at: number }, what: string): number {
  skipSpace(bytes, cursor);
  const start = cursor.at;
  let value = 0;
  while (cursor.at < bytes.length && isDigit(bytes[cursor.at]!)) {
    value = value * 10 + bytes[cursor.at]! - 0x30;
    cursor.at += 1;
    if (cursor.at - start > MAX_DIGITS) throw new ImageError('corrupt', `PNM ${what} at byte ${start} is too large`);
  }
  if (cursor.at === start)
    throw new ImageError(start >= bytes.length ? 'truncated' : 'corrupt', `PNM ${what} expected at byte ${start}`);
  return value;
}

/** A bit of a text bitmap; the digits need no space between them. */
function readBit(bytes: Uint8Array, cursor: { at: number }): number {
  skipSpace(bytes, cursor);
  const byte = bytes[cursor.at];
  if (byte === undefined) throw new ImageError('truncated', 'truncated PNM file');
  if (byte !== 0x30 && byte !== 0x31) throw new ImageError('corrupt', `PNM bit expected at byte ${cursor.at}`);
  cursor.at += 1;
  return byte - 0x30;
}

function skipSpace(bytes: Uint8Array, cursor: { at: number }): void {
  for (; cursor.at < bytes.length; cursor.at++) {
    const byte = bytes[cursor.at]!;
    if (byte === 0x23) {
      const end = bytes.indexOf(0x0a, cursor.at);
      cursor.at = end < 0 ? bytes.length : end;
    } else if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
