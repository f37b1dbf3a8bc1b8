import { ImageError } from '../image-error.ts';
import type { ImageKernels } from '../kernels/image-kernels.ts';
import { orient } from '../kernels/orient.ts';
import type { KernelImage } from '../kernels/resample.ts';
import { decodeBmp } from './bmp.ts';
import { type ColorFormat, cmykToRgb, convertColors, outputChannels } from './color.ts';
import { type ImageHeader, readImageHeader } from './image-header.ts';
import { countScans, hasEndOfImage, type JpegHeader, readJpegHeader } from './jpeg-header.ts';
import type { PixelSource } from './pixel-source.ts';
import { decodePnm } from './pnm.ts';
import { SharpDecoder } from './sharp-decoder.ts';
import { TurboJpeg, type TurboPixels } from './turbo-jpeg.ts';

export interface DecodeOptions {
  readonly format: ColorFormat;
  /** Apply the EXIF orientation. */
  readonly adjustOrientation: boolean;
  /** JPEG: the faster, less exact inverse DCT. Only with libturbojpeg; the exact one otherwise. */
  readonly fastDct?: boolean;
  /** Keep 16-bit samples of PNG and PNM files (2 bytes each in the result). */
  readonly keep16Bit?: boolean;
}

/** A decoded picture in kernel memory, (H, W, C), which the caller frees. */
export interface DecodedImage {
  readonly address: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bytesPerSample: 1 | 2;
}

export interface ImageDecoderOptions {
  /** Pictures with more are refused by their header, before anything is allocated. Default 100 million. */
  readonly maxPixels?: number;
  /** undefined: libturbojpeg if the system has it; [] never uses it. */
  readonly turboJpegLibraries?: readonly string[];
}

const DEFAULT_MAX_PIXELS = 100_000_000;
const MAX_SCANS = 500;
/** Bound on pixels visited over all scans of a progressive JPEG, in pictures of the largest size. */
const MAX_SCAN_PICTURES = 20;
const MAX_BYTES = 2 ** 29;

/**
 * Decodes JPEG, PNG, WebP, BMP and PNM files to the bytes that DALI's CPU decoder gives: exact DCT, smooth upsampling, no colour profile, EXIF
 * orientation. Data behind the picture (zero padding) is ignored. One per thread.
 */
export class ImageDecoder {
  readonly #kernels: ImageKernels;
  readonly #maxPixels: number;
  readonly #turbo: TurboJpeg | undefined;
  readonly #sharp: SharpDecoder;

  constructor(kernels: ImageKernels, options: ImageDecoderOptions = {}) {
    this.#kernels = kernels;
    this.#maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
    this.#turbo = TurboJpeg.open(options.turboJpegLibraries);
    this.#sharp = new SharpDecoder(this.#maxPixels);
  }

  /** Whether JPEG files are decoded by the system's libturbojpeg. */
  get usesTurboJpeg(): boolean {
    return this.#turbo !== undefined;
  }

  /** Size of a picture from its header, limits checked. Throws ImageError. */
  peek(bytes: Uint8Array): ImageHeader {
    const header = readImageHeader(bytes);
    if (bytes.length > MAX_BYTES)
      throw new ImageError('limit', `encoded image of ${bytes.length} bytes exceeds ${MAX_BYTES} bytes`);
    if (header.width * header.height > this.#maxPixels) {
      throw new ImageError(
        'limit',
        `image of ${header.width}x${header.height} pixels exceeds the limit of ${this.#maxPixels} pixels`,
      );
    }
    return header;
  }

  /** Throws ImageError, at once or through the promise; nothing stays allocated then. A promise is returned only where libvips decodes. */
  decode(bytes: Uint8Array, options: DecodeOptions): DecodedImage | Promise<DecodedImage> {
    const header = this.peek(bytes);
    if (header.format === 'jpeg') return this.#decodeJpeg(bytes, readJpegHeader(bytes), options);
    if (header.format === 'bmp') return this.#finish(decodeBmp(bytes), header, options);
    if (header.format === 'pnm') return this.#finish(narrow(decodePnm(bytes), options), header, options);
    return this.#sharp
      .decode(bytes, header, options.keep16Bit ?? false)
      .then((pixels) => this.#finish(pixels, header, options));
  }

  close(): void {
    this.#turbo?.close();
  }

  #decodeJpeg(bytes: Uint8Array, header: JpegHeader, options: DecodeOptions): DecodedImage | Promise<DecodedImage> {
    this.#checkScans(bytes, header);
    const { colors } = header;
    const wantsLuma = options.format === 'GRAY' && colors === 'ycc';
    if (this.#turbo !== undefined) return this.#decodeTurbo(this.#turbo, bytes, header, options, wantsLuma);
    if (colors === 'cmyk' || colors === 'ycck') {
      return this.#sharp
        .decodeCmyk(bytes, header)
        .then((pixels) => this.#finish(fromCmyk(pixels, header), header, options));
    }
    const pixels = wantsLuma ? this.#sharp.decodeLuma(bytes, header) : this.#sharp.decode(bytes, header, false);
    return pixels.then((source) => this.#finish(colors === 'gray' ? firstChannel(source) : source, header, options));
  }

  #checkScans(bytes: Uint8Array, header: JpegHeader): void {
    if (!hasEndOfImage(bytes, header.scanOffset))
      throw new ImageError('truncated', 'truncated JPEG file (no end-of-image marker)');
    if (!header.isProgressive) return;
    const scans = countScans(bytes, header.scanOffset, MAX_SCANS);
    if (scans > MAX_SCANS || scans * header.width * header.height > this.#maxPixels * MAX_SCAN_PICTURES) {
      throw new ImageError(
        'limit',
        `progressive JPEG of ${header.width}x${header.height} pixels has too many scans (${scans})`,
      );
    }
  }

  #decodeTurbo(
    turbo: TurboJpeg,
    bytes: Uint8Array,
    header: JpegHeader,
    options: DecodeOptions,
    wantsLuma: boolean,
  ): DecodedImage {
    const { width, height, colors } = header;
    const isCmyk = colors === 'cmyk' || colors === 'ycck';
    const isGray = wantsLuma || (colors === 'gray' && (options.format === 'GRAY' || options.format === 'ANY_DATA'));
    const pixels: TurboPixels = isCmyk ? 'CMYK' : isGray ? 'GRAY' : 'RGB';
    const channels = isCmyk ? 4 : isGray ? 1 : 3;
    const byteLength = width * height * channels;
    const address = this.#kernels.allocate(byteLength);
    try {
      turbo.decode(bytes, width, height, pixels, options.fastDct ?? false, this.#kernels.bytes(address, byteLength));
    } catch (error) {
      this.#kernels.free(address);
      throw error;
    }
    if (!isCmyk && (isGray || options.format === 'RGB' || options.format === 'ANY_DATA')) {
      return this.#upright({ address, width, height, channels, type: 'UINT8' }, header, options, 1);
    }
    const source: PixelSource = { data: this.#kernels.bytes(address, byteLength).slice(), width, height, channels };
    this.#kernels.free(address);
    return this.#finish(isCmyk ? fromCmyk(source, header) : source, header, options);
  }

  /** Converts colours into kernel memory and turns the picture upright. */
  #finish(pixels: PixelSource, header: ImageHeader, options: DecodeOptions): DecodedImage {
    const { width, height } = pixels;
    if (width !== header.width || height !== header.height) {
      throw new ImageError(
        'corrupt',
        `image of ${width}x${height} pixels where its header says ${header.width}x${header.height}`,
      );
    }
    const channels = outputChannels(options.format, pixels.channels);
    const bytesPerSample = pixels.data.BYTES_PER_ELEMENT === 2 ? 2 : 1;
    const count = width * height * channels;
    const address = this.#kernels.allocate(count * bytesPerSample);
    const bytes = this.#kernels.bytes(address, count * bytesPerSample);
    const to = bytesPerSample === 2 ? new Uint16Array(bytes.buffer, address, count) : bytes;
    convertColors(pixels.data, pixels.channels, to, options.format, bytesPerSample === 2 ? 65535 : 255);
    return this.#upright({ address, width, height, channels, type: 'UINT8' }, header, options, bytesPerSample);
  }

  #upright(image: KernelImage, header: ImageHeader, options: DecodeOptions, bytesPerSample: 1 | 2): DecodedImage {
    const { channels } = image;
    if (!options.adjustOrientation || header.orientation === 1) return { ...image, bytesPerSample };
    try {
      // Pixels are moved as bytes, so a wide sample counts as two channels.
      const upright = orient(this.#kernels, { ...image, channels: channels * bytesPerSample }, header.orientation);
      return { ...upright, channels, bytesPerSample };
    } finally {
      this.#kernels.free(image.address);
    }
  }
}

function fromCmyk(pixels: PixelSource, header: JpegHeader): PixelSource {
  const rgb = new Uint8Array(pixels.width * pixels.height * 3);
  cmykToRgb(pixels.data as Uint8Array, rgb, header.hasAdobe);
  return { ...pixels, channels: 3, data: rgb };
}

/** libvips may hand grey pictures out as three equal channels. */
function firstChannel(pixels: PixelSource): PixelSource {
  if (pixels.channels === 1) return pixels;
  const { channels, data } = pixels;
  const gray = new Uint8Array(pixels.width * pixels.height);
  for (let i = 0; i < gray.length; i++) gray[i] = data[i * channels]!;
  return { ...pixels, channels: 1, data: gray };
}

/** 16-bit samples as their high byte, unless they are wanted. */
function narrow(pixels: PixelSource, options: DecodeOptions): PixelSource {
  if (pixels.data.BYTES_PER_ELEMENT === 1 || options.keep16Bit === true) return pixels;
  return { ...pixels, data: Uint8Array.from(pixels.data, (sample) => sample >> 8) };
}
