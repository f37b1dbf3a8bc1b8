import { ImageError } from '../image-error.ts';
import type { Orientation } from '../kernels/orient.ts';
import { readExifOrientation } from './exif.ts';
import type { ImageHeader } from './image-header.ts';

const MAX_CHUNKS = 10_000;

/** Reads the first chunk of a WebP file (VP8, VP8L or VP8X; RFC 9649) and its EXIF chunk. Throws ImageError. */
export function readWebpHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length < 30) throw new ImageError('truncated', 'truncated WebP file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = chunkType(bytes, 12);
  const size = sizeOf(type, bytes, view);
  return { format: 'webp', ...size, bitsPerSample: 8, orientation: type === 'VP8X' ? findOrientation(bytes, view) : 1 };
}

function sizeOf(type: string, bytes: Uint8Array, view: DataView): { width: number; height: number; channels: number } {
  if (type === 'VP8X') {
    const flags = bytes[20]!;
    if ((flags & 0x02) !== 0) throw new ImageError('unsupported', 'animated WebP images are not supported');
    const width = 1 + bytes[24]! + bytes[25]! * 256 + bytes[26]! * 65536;
    const height = 1 + bytes[27]! + bytes[28]! * 256 + bytes[29]! * 65536;
    return { width, height, channels: (flags & 0x10) !== 0 ? 4 : 3 };
  }
  if (type === 'VP8L') {
    if (bytes[20] !== 0x2f) throw new ImageError('corrupt', 'WebP lossless header without its signature');
    const bits = view.getUint32(21, true);
    return {
      width: (bits & 0x3fff) + 1,
      height: ((bits >>> 14) & 0x3fff) + 1,
      channels: ((bits >>> 28) & 1) === 1 ? 4 : 3,
    };
  }
  if (type === 'VP8 ') {
    if (bytes[23] !== 0x9d || bytes[24] !== 0x01 || bytes[25] !== 0x2a)
      throw new ImageError('corrupt', 'WebP key frame without its start code');
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff, channels: 3 };
  }
  throw new ImageError('corrupt', `WebP file starts with an unknown chunk "${type}"`);
}

function findOrientation(bytes: Uint8Array, view: DataView): Orientation {
  let at = 12;
  for (let count = 0; count < MAX_CHUNKS && at + 8 <= bytes.length; count++) {
    const length = view.getUint32(at + 4, true);
    if (chunkType(bytes, at) === 'EXIF') {
      const body = bytes.subarray(at + 8, Math.min(at + 8 + length, bytes.length));
      const hasPrefix = body[0] === 0x45 && body[1] === 0x78;
      return readExifOrientation(hasPrefix ? body.subarray(6) : body) ?? 1;
    }
    at += 8 + length + (length & 1);
  }
  return 1;
}

function chunkType(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
}
