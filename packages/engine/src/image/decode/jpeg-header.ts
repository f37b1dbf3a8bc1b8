import { ImageError } from '../image-error.ts';
import type { Orientation } from '../kernels/orient.ts';
import { readExifOrientation } from './exif.ts';
import type { ImageHeader } from './image-header.ts';

/** How a JPEG file stores its colours. */
export type JpegColors = 'gray' | 'ycc' | 'rgb' | 'cmyk' | 'ycck';

export interface JpegHeader extends ImageHeader {
  readonly colors: JpegColors;
  readonly isProgressive: boolean;
  /** Whether an Adobe marker is present: CMYK is stored inverted then. */
  readonly hasAdobe: boolean;
  /** Byte offset of the first scan's SOS marker. */
  readonly scanOffset: number;
  /** Where each APP0 (JFIF) and APP14 (Adobe) segment lies, marker included. */
  readonly colorSegments: readonly { readonly start: number; readonly end: number }[];
}

const SOI_LENGTH = 2;
const MARKERS = {
  SOF0: 0xc0,
  SOF2: 0xc2,
  DHT: 0xc4,
  JPG: 0xc8,
  DAC: 0xcc,
  SOI: 0xd8,
  EOI: 0xd9,
  SOS: 0xda,
  APP0: 0xe0,
  APP1: 0xe1,
  APP14: 0xee,
} as const;
const SOF_NAMES: Readonly<Record<number, string>> = {
  195: 'lossless',
  197: 'hierarchical',
  198: 'hierarchical progressive',
  199: 'hierarchical lossless',
  201: 'arithmetic-coded',
  202: 'arithmetic-coded progressive',
  203: 'arithmetic-coded lossless',
};

/** Reads the markers of a JPEG file up to its first scan (ITU-T T.81 annex B; JFIF; Adobe TN 5116). Throws ImageError. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let frame: { precision: number; width: number; height: number; ids: number[]; progressive: boolean } | undefined;
  let orientation: Orientation | undefined;
  let adobeTransform: number | undefined;
  let hasJfif = false;
  const colorSegments: { start: number; end: number }[] = [];
  let at = SOI_LENGTH;
  for (;;) {
    const start = at;
    at = nextMarker(bytes, at);
    const marker = bytes[at - 1]!;
    if (marker === MARKERS.EOI) throw new ImageError('corrupt', 'JPEG file ends before its first scan');
    if (marker === 0x01 || (marker >= 0xd0 && marker <= MARKERS.SOI)) continue;
    if (at + 2 > bytes.length) throw truncated();
    const length = bytes[at]! * 256 + bytes[at + 1]!;
    if (length < 2)
      throw new ImageError(
        'corrupt',
        `JPEG segment 0x${marker.toString(16)} at byte ${at} has the impossible length ${length}`,
      );
    if (marker === MARKERS.SOS) {
      if (frame === undefined) throw new ImageError('corrupt', 'JPEG scan before its frame header');
      const colors = jpegColors(frame.ids, adobeTransform, hasJfif);
      return {
        format: 'jpeg',
        width: frame.width,
        height: frame.height,
        channels: frame.ids.length,
        bitsPerSample: 8,
        orientation: orientation ?? 1,
        colors,
        isProgressive: frame.progressive,
        hasAdobe: adobeTransform !== undefined,
        scanOffset: at - 2,
        colorSegments,
      };
    }
    const end = at + length;
    if (end > bytes.length) throw truncated();
    const body = bytes.subarray(at + 2, end);
    if (isFrame(marker)) frame = readFrame(marker, body, at);
    else if (marker === MARKERS.APP1) orientation ??= exifOf(body);
    else if (marker === MARKERS.APP0 && isTagged(body, 'JFIF\0')) {
      hasJfif = true;
      colorSegments.push({ start, end });
    } else if (marker === MARKERS.APP14 && body.length >= 12 && isTagged(body, 'Adobe')) {
      adobeTransform = body[11]!;
      colorSegments.push({ start, end });
    }
    at = end;
  }
}

/**
 * Scans from `from` on, at least: SOS marker bytes, of which entropy-coded data holds none. What looks like one in a segment or behind the picture counts,
 * too, so that no crafted segment hides scans. Stops above `stopAfter`.
 */
export function countScans(bytes: Uint8Array, from: number, stopAfter: number): number {
  let scans = 0;
  for (let at = from; at + 1 < bytes.length && scans <= stopAfter; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] === MARKERS.SOS) scans += 1;
  }
  return scans;
}

const END_OF_IMAGE = Buffer.from([0xff, MARKERS.EOI]);

/** Whether an end-of-image marker follows the first scan; files cut short have none. Padding and other data may follow it. */
export function hasEndOfImage(bytes: Uint8Array, from: number): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(END_OF_IMAGE) > from;
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== MARKERS.DHT && marker !== MARKERS.JPG && marker !== MARKERS.DAC;
}

function readFrame(marker: number, body: Uint8Array, at: number) {
  const refused = SOF_NAMES[marker] ?? (marker > MARKERS.SOF2 ? 'this kind of' : undefined);
  if (refused !== undefined)
    throw new ImageError('unsupported', `${refused} JPEG images (marker 0x${marker.toString(16)}) are not supported`);
  const count = body[5] ?? 0;
  if (body.length < 6 + 3 * count) throw new ImageError('corrupt', `JPEG frame header at byte ${at} is too short`);
  const precision = body[0]!;
  if (precision !== 8)
    throw new ImageError('unsupported', `JPEG images of ${precision} bits per sample are not supported; 8 bits are`);
  if (count !== 1 && count !== 3 && count !== 4)
    throw new ImageError('unsupported', `JPEG images of ${count} components are not supported`);
  const height = body[1]! * 256 + body[2]!;
  const width = body[3]! * 256 + body[4]!;
  if (width === 0 || height === 0) throw new ImageError('corrupt', `JPEG frame of ${width}x${height} pixels`);
  const ids = Array.from({ length: count }, (_, i) => body[6 + 3 * i]!);
  return { precision, width, height, ids, progressive: marker === MARKERS.SOF2 };
}

/** libjpeg's rule for what three or four components mean. */
function jpegColors(ids: readonly number[], adobeTransform: number | undefined, hasJfif: boolean): JpegColors {
  if (ids.length === 1) return 'gray';
  if (ids.length === 4) return adobeTransform === 2 ? 'ycck' : 'cmyk';
  if (hasJfif) return 'ycc';
  if (adobeTransform !== undefined) return adobeTransform === 0 ? 'rgb' : 'ycc';
  return ids[0] === 0x52 && ids[1] === 0x47 && ids[2] === 0x42 ? 'rgb' : 'ycc';
}

function exifOf(body: Uint8Array): Orientation | undefined {
  return isTagged(body, 'Exif\0\0') ? readExifOrientation(body.subarray(6)) : undefined;
}

function isTagged(body: Uint8Array, tag: string): boolean {
  if (body.length < tag.length) return false;
  for (let i = 0; i < tag.length; i++) if (body[i] !== tag.charCodeAt(i)) return false;
  return true;
}

/** Position behind the next marker. Garbage and fill bytes before it are passed over, as libjpeg does. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    const next = bytes[at + 1];
    if (bytes[at] === 0xff && next !== 0xff && next !== 0) return at + 2;
  }
  throw truncated();
}

function truncated(): ImageError {
  return new ImageError('truncated', 'truncated JPEG file');
}
