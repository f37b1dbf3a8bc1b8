import { ImageError } from '../image-error.ts';
import type { Orientation } from '../kernels/orient.ts';
import { readBmpHeader } from './bmp.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { readPngHeader } from './png-header.ts';
import { readPnmHeader } from './pnm.ts';
import { readWebpHeader } from './webp-header.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'bmp' | 'pnm';

/** What a file's header says, read without decoding anything. Sizes are as stored, before the orientation is applied. */
export interface ImageHeader {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Stored channels; a palette counts as the colours it holds. */
  readonly channels: number;
  readonly bitsPerSample: 8 | 16;
  readonly orientation: Orientation;
}

const REFUSED: readonly { readonly name: string; readonly matches: (bytes: Uint8Array) => boolean }[] = [
  { name: 'GIF', matches: (bytes) => startsWith(bytes, 'GIF8') },
  {
    name: 'TIFF',
    matches: (bytes) =>
      startsWith(bytes, 'II*\0') ||
      startsWith(bytes, 'MM\0*') ||
      startsWith(bytes, 'II+\0') ||
      startsWith(bytes, 'MM\0+'),
  },
  {
    name: 'JPEG 2000',
    matches: (bytes) => startsWith(bytes, '\0\0\0\x0cjP  ') || startsWith(bytes, '\xff\x4f\xff\x51'),
  },
  { name: 'JPEG XL', matches: (bytes) => startsWith(bytes, '\xff\x0a') || startsWith(bytes, '\0\0\0\x0cJXL ') },
  { name: 'HEIF or AVIF', matches: (bytes) => startsWith(bytes.subarray(4), 'ftyp') },
  { name: 'SVG', matches: isMarkup },
  { name: 'PDF', matches: (bytes) => startsWith(bytes, '%PDF') },
];

/**
 * Recognises a picture by its first bytes and reads its size. Throws ImageError: `unsupported` naming the format when it is one that is
 * refused (or none that is known), `corrupt` or `truncated` for a broken header.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length === 0) throw new ImageError('truncated', 'the encoded image is empty');
  if (startsWith(bytes, '\xff\xd8')) return readJpegHeader(bytes);
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return readPngHeader(bytes);
  if (startsWith(bytes, 'RIFF') && startsWith(bytes.subarray(8), 'WEBP')) return readWebpHeader(bytes);
  if (startsWith(bytes, 'BM')) return readBmpHeader(bytes);
  if (bytes[0] === 0x50 && bytes[1]! >= 0x31 && bytes[1]! <= 0x36) return readPnmHeader(bytes);
  const refused = REFUSED.find(({ matches }) => matches(bytes));
  if (refused !== undefined) {
    throw new ImageError('unsupported', `${refused.name} images are not supported; JPEG, PNG, WebP, BMP and PNM are`);
  }
  const start = Buffer.from(bytes.subarray(0, 8)).toString('hex');
  throw new ImageError(
    'unsupported',
    `unrecognised image format (first bytes ${start}); JPEG, PNG, WebP, BMP and PNM are supported`,
  );
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  if (bytes.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return false;
  return true;
}

function isMarkup(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  return /^\s*(\xef\xbb\xbf)?\s*<(\?xml|!doctype svg|!--|svg)/i.test(start) && /<svg/i.test(start);
}
