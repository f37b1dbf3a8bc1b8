import type { Sharp, default as SharpConstructor } from 'sharp';
import { ImageError } from '../image-error.ts';
import type { ImageHeader } from './image-header.ts';
import type { JpegHeader } from './jpeg-header.ts';
import type { PixelSource } from './pixel-source.ts';

/** Decodes PNG and WebP, and JPEG where there is no system libturbojpeg, with the libvips inside `sharp`. */
export class SharpDecoder {
  #sharp: Promise<typeof SharpConstructor> | undefined;
  readonly #maxPixels: number;

  constructor(maxPixels: number) {
    this.#maxPixels = maxPixels;
  }

  /**
   * Stored pixels of a picture: no colour profile applied, no rotation, 16-bit samples kept when `keep16Bit`. Alpha is left in.
   * Throws ImageError (`corrupt`).
   */
  async decode(bytes: Uint8Array, header: ImageHeader, keep16Bit: boolean): Promise<PixelSource> {
    const wide = header.bitsPerSample === 16;
    const pipeline = await this.#open(bytes, header.format === 'jpeg' ? 'truncated' : 'error');
    if (wide) pipeline.toColourspace(header.channels <= 2 ? 'grey16' : 'rgb16');
    const pixels = await finish(pipeline.raw({ depth: wide ? 'ushort' : 'uchar' }));
    if (!wide) return pixels;
    const samples = new Uint16Array(pixels.data.buffer, pixels.data.byteOffset, pixels.data.length / 2);
    // Eight bits of sixteen are the high byte, as libpng gives them.
    return { ...pixels, data: keep16Bit ? samples : Uint8Array.from(samples, (sample) => sample >> 8) };
  }

  /** The four stored components of a CMYK or YCCK JPEG as CMYK, in libjpeg's sense (an Adobe file's are inverted). */
  async decodeCmyk(bytes: Uint8Array, header: JpegHeader): Promise<PixelSource> {
    const pipeline = await this.#open(bytes, 'truncated');
    const pixels = await finish(pipeline.pipelineColourspace('cmyk').toColourspace('cmyk').raw({ depth: 'uchar' }));
    // libvips turns an Adobe file's inverted values round; DALI's formula wants them as stored.
    if (header.hasAdobe) for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = 255 - pixels.data[i]!;
    return pixels;
  }

  /**
   * The Y plane of a YCbCr JPEG, which is what libjpeg gives for greyscale. The decoder is told that the components are RGB (an Adobe marker with
   * transform 0 in place of the JFIF and Adobe segments), so it leaves them as they are; the first one is Y.
   */
  async decodeLuma(bytes: Uint8Array, header: JpegHeader): Promise<PixelSource> {
    const { data, width, height, channels } = await this.decode(relabelAsRgb(bytes, header), header, false);
    const luma = new Uint8Array(width * height);
    for (let i = 0; i < luma.length; i++) luma[i] = data[i * channels]!;
    return { data: luma, width, height, channels: 1 };
  }

  async #open(bytes: Uint8Array, failOn: 'truncated' | 'error'): Promise<Sharp> {
    this.#sharp ??= load();
    const sharp = await this.#sharp;
    return sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels: this.#maxPixels, sequentialRead: true });
  }
}

async function finish(pipeline: Sharp): Promise<{ data: Buffer; width: number; height: number; channels: number }> {
  try {
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, channels: info.channels };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
    throw new ImageError(
      /truncat|premature|unexpected end/i.test(reason) ? 'truncated' : 'corrupt',
      `image cannot be decoded (${reason})`,
      {
        cause: error,
      },
    );
  }
}

/** Loaded on first use: a server that sees only JPEG files with libturbojpeg at hand never pays for libvips. */
async function load(): Promise<typeof SharpConstructor> {
  const { default: sharp } = await import('sharp');
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

const ADOBE_RGB = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0);

function relabelAsRgb(bytes: Uint8Array, header: JpegHeader): Uint8Array {
  const parts: Uint8Array[] = [bytes.subarray(0, 2), ADOBE_RGB];
  let at = 2;
  for (const { start, end } of header.colorSegments) {
    parts.push(bytes.subarray(at, start));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
