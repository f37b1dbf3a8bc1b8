import type { Orientation } from '../kernels/orient.ts';

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const MAX_ENTRIES = 1000;

/**
 * Orientation from an EXIF block (a TIFF structure, starting at its byte-order mark), from the first directory only, so that chains of
 * directories cannot loop. Undefined when there is none or the block is broken: a picture is not refused for its metadata.
 */
export function readExifOrientation(tiff: Uint8Array): Orientation | undefined {
  if (tiff.length < 8) return undefined;
  const littleEndian = tiff[0] === 0x49 && tiff[1] === 0x49;
  if (!littleEndian && !(tiff[0] === 0x4d && tiff[1] === 0x4d)) return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (view.getUint16(2, littleEndian) !== 42) return undefined;
  const directory = view.getUint32(4, littleEndian);
  if (directory + 2 > tiff.length) return undefined;
  const entries = Math.min(view.getUint16(directory, littleEndian), MAX_ENTRIES);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > tiff.length) return undefined;
    if (view.getUint16(at, littleEndian) !== ORIENTATION_TAG) continue;
    if (view.getUint16(at + 2, littleEndian) !== SHORT || view.getUint32(at + 4, littleEndian) !== 1) return undefined;
    const value = view.getUint16(at + 8, littleEndian);
    return value >= 1 && value <= 8 ? (value as Orientation) : undefined;
  }
  return undefined;
}
