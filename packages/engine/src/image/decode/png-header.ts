import { ImageError } from '../image-error.ts';
import type { Orientation } from '../kernels/orient.ts';
import { readExifOrientation } from './exif.ts';
import type { ImageHeader } from './image-header.ts';

const MAX_CHUNKS = 10_000;

/** Reads IHDR, and the chunks that decide channels (PLTE, tRNS) and orientation (eXIf), up to the pixel data (W3C PNG). Throws ImageError. */
export function readPngHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) throw new ImageError('truncated', 'truncated PNG file');
  if (view.getUint32(8) !== 13 || chunkType(bytes, 8) !== 'IHDR')
    throw new ImageError('corrupt', 'PNG file does not start with IHDR');
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (width === 0 || height === 0) throw new ImageError('corrupt', `PNG image of ${width}x${height} pixels`);
  const bitDepth = bytes[24]!;
  const colorType = bytes[25]!;
  const { hasTransparency, orientation } = readChunks(bytes, view);
  return {
    format: 'png',
    width,
    height,
    channels: channelsOf(colorType, hasTransparency),
    bitsPerSample: bitDepth === 16 ? 16 : 8,
    orientation,
  };
}

function channelsOf(colorType: number, hasTransparency: boolean): number {
  const channels = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 }[colorType];
  if (channels === undefined) throw new ImageError('corrupt', `PNG colour type ${colorType} does not exist`);
  return channels + (hasTransparency && colorType <= 3 ? 1 : 0);
}

function readChunks(bytes: Uint8Array, view: DataView): { hasTransparency: boolean; orientation: Orientation } {
  let hasTransparency = false;
  let orientation: Orientation | undefined;
  let at = 33;
  for (let count = 0; count < MAX_CHUNKS && at + 12 <= bytes.length; count++) {
    const length = view.getUint32(at);
    const type = chunkType(bytes, at);
    if (type === 'IDAT' || type === 'IEND') break;
    if (type === 'tRNS') hasTransparency = true;
    if (type === 'eXIf')
      orientation = readExifOrientation(bytes.subarray(at + 8, Math.min(at + 8 + length, bytes.length)));
    at += 12 + length;
  }
  return { hasTransparency, orientation: orientation ?? 1 };
}

function chunkType(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]!, bytes[at + 7]!);
}
