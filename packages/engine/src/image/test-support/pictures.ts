import sharp from 'sharp';

/** A colourful picture with edges and gradients, (height, width, 3). */
export function rgbPixels(width: number, height: number): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      pixels[at] = (x * 255) / width;
      pixels[at + 1] = (y * 255) / height;
      pixels[at + 2] = ((x >> 3) + (y >> 3)) % 2 === 0 ? 230 : 25;
    }
  }
  return pixels;
}

export interface JpegOptions {
  readonly width?: number;
  readonly height?: number;
  readonly chroma?: '4:2:0' | '4:4:4';
  readonly progressive?: boolean;
  readonly gray?: boolean;
  readonly cmyk?: boolean;
  readonly orientation?: number;
}

export async function jpeg(options: JpegOptions = {}): Promise<Buffer> {
  const { width = 61, height = 47, chroma = '4:2:0', progressive = false } = options;
  let pipeline = sharp(rgbPixels(width, height), { raw: { width, height, channels: 3 } });
  if (options.gray === true) pipeline = pipeline.greyscale().toColourspace('b-w');
  if (options.cmyk === true) pipeline = pipeline.toColourspace('cmyk');
  if (options.orientation !== undefined) pipeline = pipeline.withMetadata({ orientation: options.orientation });
  return pipeline.jpeg({ chromaSubsampling: chroma, progressive, quality: 90 }).toBuffer();
}

/** Wraps pixels of any channel count into PNG, losslessly. */
export async function png(pixels: Buffer, width: number, height: number, channels: 1 | 2 | 3 | 4): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
}
