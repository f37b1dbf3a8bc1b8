import { ImageError } from '../image-error.ts';
import { decodeRle } from './bmp-rle.ts';
import type { ImageHeader } from './image-header.ts';
import type { PixelSource } from './pixel-source.ts';

/** Header of a Windows or OS/2 bitmap (BITMAPCOREHEADER to BITMAPV5HEADER). */
export interface BmpHeader extends ImageHeader {
  readonly bitsPerPixel: number;
  readonly compression: number;
  readonly isTopDown: boolean;
  readonly dataOffset: number;
  /** Palette entries as RGB triples. */
  readonly palette: Uint8Array;
  /** Bit masks of red, green, blue for 16 and 32 bits per pixel. */
  readonly masks: readonly [number, number, number];
}

const FILE_HEADER_BYTES = 14;
const RGB = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;
const COMPRESSION_NAMES: Readonly<Record<number, string>> = { 4: 'JPEG', 5: 'PNG', 6: 'alpha bit fields' };

/** Throws ImageError for what is not a bitmap of 1, 4, 8, 16, 24 or 32 bits per pixel. */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  if (bytes.length < FILE_HEADER_BYTES + 12) throw new ImageError('truncated', 'truncated BMP file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(14, true);
  const isCore = headerBytes === 12;
  if (!isCore && (headerBytes < 40 || headerBytes > 256))
    throw new ImageError('unsupported', `BMP header of ${headerBytes} bytes is not supported`);
  if (bytes.length < FILE_HEADER_BYTES + headerBytes) throw new ImageError('truncated', 'truncated BMP file');
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const bitsPerPixel = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? RGB : view.getUint32(30, true);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw new ImageError('corrupt', `BMP image of ${width}x${signedHeight} pixels`);
  if (![1, 4, 8, 16, 24, 32].includes(bitsPerPixel))
    throw new ImageError('corrupt', `BMP image of ${bitsPerPixel} bits per pixel`);
  checkCompression(compression, bitsPerPixel);
  const palette = readPalette(bytes, view, headerBytes, bitsPerPixel);
  return {
    format: 'bmp',
    width,
    height,
    channels: bitsPerPixel <= 8 && isGray(palette) ? 1 : 3,
    bitsPerSample: 8,
    orientation: 1,
    bitsPerPixel,
    compression,
    isTopDown: signedHeight < 0,
    dataOffset: view.getUint32(10, true),
    palette,
    masks:
      compression === BITFIELDS
        ? readMasks(view, bytes.length)
        : bitsPerPixel === 16
          ? [0x7c00, 0x03e0, 0x001f]
          : [0xff0000, 0xff00, 0xff],
  };
}

function checkCompression(compression: number, bitsPerPixel: number): void {
  const fits =
    compression === RGB ||
    (compression === RLE8 && bitsPerPixel === 8) ||
    (compression === RLE4 && bitsPerPixel === 4) ||
    (compression === BITFIELDS && (bitsPerPixel === 16 || bitsPerPixel === 32));
  if (fits) return;
  const name = COMPRESSION_NAMES[compression] ?? `type ${compression}`;
  throw new ImageError('unsupported', `BMP compression ${name} at ${bitsPerPixel} bits per pixel is not supported`);
}

function readPalette(bytes: Uint8Array, view: DataView, headerBytes: number, bitsPerPixel: number): Uint8Array {
  if (bitsPerPixel > 8) return new Uint8Array(0);
  const entryBytes = headerBytes === 12 ? 3 : 4;
  const declared = headerBytes === 12 ? 0 : view.getUint32(46, true);
  const count = declared > 0 && declared < 1 << bitsPerPixel ? declared : 1 << bitsPerPixel;
  const start = FILE_HEADER_BYTES + headerBytes;
  if (start + count * entryBytes > bytes.length) throw new ImageError('truncated', 'truncated BMP palette');
  // Indices past the palette's end are black.
  const palette = new Uint8Array(3 << bitsPerPixel);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) palette[3 * i + c] = bytes[start + i * entryBytes + 2 - c]!;
  }
  return palette;
}

function isGray(palette: Uint8Array): boolean {
  for (let i = 0; i < palette.length; i += 3)
    if (palette[i] !== palette[i + 1] || palette[i] !== palette[i + 2]) return false;
  return true;
}

function readMasks(view: DataView, byteLength: number): [number, number, number] {
  if (byteLength < 66) throw new ImageError('truncated', 'truncated BMP bit masks');
  return [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)];
}

/** Pixels as grey (a grey palette) or RGB; the alpha of 32-bit files is dropped. Throws ImageError. */
export function decodeBmp(bytes: Uint8Array): PixelSource {
  const header = readBmpHeader(bytes);
  const { width, height, channels } = header;
  const data = new Uint8Array(width * height * channels);
  const indices = header.compression === RLE8 || header.compression === RLE4 ? decodeRle(bytes, header) : undefined;
  const stride = indices === undefined ? Math.ceil((width * header.bitsPerPixel) / 32) * 4 : width;
  if (indices === undefined && header.dataOffset + stride * height > bytes.length) {
    throw new ImageError(
      'truncated',
      `truncated BMP file: ${stride * height} bytes of pixels expected at byte ${header.dataOffset}`,
    );
  }
  const source = indices ?? bytes.subarray(header.dataOffset);
  const put = pixelWriter(header, source, data, indices !== undefined);
  for (let y = 0; y < height; y++) {
    const row = (header.isTopDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) put(row, x, (y * width + x) * channels);
  }
  return { width, height, channels, data };
}

type PixelWriter = (row: number, x: number, to: number) => void;

function pixelWriter(header: BmpHeader, source: Uint8Array, data: Uint8Array, isByteIndex: boolean): PixelWriter {
  const { bitsPerPixel, palette, channels } = header;
  if (bitsPerPixel === 24) {
    return (row, x, to) => {
      for (let c = 0; c < 3; c++) data[to + c] = source[row + 3 * x + 2 - c]!;
    };
  }
  if (bitsPerPixel >= 16) return maskedWriter(header, source, data);
  const bits = isByteIndex ? 8 : bitsPerPixel;
  const perByte = 8 / bits;
  return (row, x, to) => {
    const byte = source[row + Math.floor(x / perByte)]!;
    const index = (byte >> (8 - bits * ((x % perByte) + 1))) & ((1 << bits) - 1);
    for (let c = 0; c < channels; c++) data[to + c] = palette[3 * index + c]!;
  };
}

function maskedWriter(header: BmpHeader, source: Uint8Array, data: Uint8Array): PixelWriter {
  const pixelBytes = header.bitsPerPixel / 8;
  const fields = header.masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    const maximum = mask >>> shift;
    return { mask, shift, maximum: maximum === 0 ? 1 : maximum };
  });
  return (row, x, to) => {
    const at = row + x * pixelBytes;
    const value =
      pixelBytes === 2
        ? source[at]! + source[at + 1]! * 256
        : source[at]! + source[at + 1]! * 256 + source[at + 2]! * 65536 + source[at + 3]! * 16777216;
    for (let c = 0; c < 3; c++) {
      const { mask, shift, maximum } = fields[c]!;
      data[to + c] = Math.round((((value & mask) >>> shift) * 255) / maximum);
    }
  };
}
