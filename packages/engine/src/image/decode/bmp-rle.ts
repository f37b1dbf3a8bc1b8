import { ImageError } from '../image-error.ts';
import type { BmpHeader } from './bmp.ts';

/**
 * Unpacks RLE8 or RLE4 into one palette index per byte, rows bottom-up as in the file (Windows "Bitmap Compression"). Pixels that are skipped are
 * index 0; runs that leave the picture are cut. Throws ImageError (`truncated`).
 */
export function decodeRle(bytes: Uint8Array, header: BmpHeader): Uint8Array {
  const { width, height } = header;
  const indices = new Uint8Array(width * height);
  const isRle4 = header.bitsPerPixel === 4;
  let at = header.dataOffset;
  let x = 0;
  let y = 0;
  const put = (index: number): void => {
    if (x < width && y < height) indices[y * width + x] = index;
    x += 1;
  };
  const next = (): number => {
    const byte = bytes[at];
    if (byte === undefined) throw new ImageError('truncated', 'truncated BMP run-length data');
    at += 1;
    return byte;
  };
  while (y < height) {
    const count = next();
    const value = next();
    if (count > 0) {
      for (let i = 0; i < count; i++) put(isRle4 ? nibble(value, i) : value);
    } else if (value === 0) {
      x = 0;
      y += 1;
    } else if (value === 1) break;
    else if (value === 2) {
      x += next();
      y += next();
    } else {
      const start = at;
      for (let i = 0; i < value; i++) {
        if (!isRle4) put(next());
        else put(nibble(i % 2 === 0 ? next() : bytes[at - 1]!, i));
      }
      at += (at - start) % 2;
    }
  }
  return indices;
}

function nibble(byte: number, index: number): number {
  return index % 2 === 0 ? byte >> 4 : byte & 15;
}
