import { createRequire } from 'node:module';
import type { default as SharpConstructor } from 'sharp';

/** A picture about as hard to decode as a photograph: 1280x960, JPEG. */
export async function madePicture(): Promise<Uint8Array> {
  const [width, height] = [1280, 960];
  const pixels = Buffer.alloc(width * height * 3);
  let state = 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    pixels[i] = 128 + 90 * Math.sin(x / 37 + (i % 3)) * Math.cos(y / 23) + (state >>> 28) * 2;
  }
  const sharp = createRequire(import.meta.resolve('@nereid/engine/image'))('sharp') as typeof SharpConstructor;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 88, chromaSubsampling: '4:2:0' })
    .toBuffer();
}
