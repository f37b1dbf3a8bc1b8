import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { ImageError, type ImageErrorCode } from '../image-error.ts';
import { ImageKernels } from '../kernels/image-kernels.ts';
import { jpeg, png, rgbPixels } from '../test-support/pictures.ts';
import type { ColorFormat } from './color.ts';
import { type DecodeOptions, ImageDecoder, type ImageDecoderOptions } from './image-decoder.ts';

interface Pixels {
  readonly shape: readonly [number, number, number];
  readonly bytes: Uint8Array;
}

function decoderWith(
  options: ImageDecoderOptions = {},
): (bytes: Uint8Array, change?: Partial<DecodeOptions>) => Promise<Pixels> {
  const kernels = new ImageKernels();
  const decoder = new ImageDecoder(kernels, options);
  return async (bytes, change = {}) => {
    const image = await decoder.decode(bytes, { format: 'RGB', adjustOrientation: true, ...change });
    const length = image.height * image.width * image.channels * image.bytesPerSample;
    const pixels = kernels.bytes(image.address, length).slice();
    kernels.free(image.address);
    kernels.trim();
    return { shape: [image.height, image.width, image.channels], bytes: pixels };
  };
}

const decode = decoderWith();
const decodeBySharp = decoderWith({ turboJpegLibraries: [] });

async function fails(
  code: ImageErrorCode,
  text: RegExp,
  bytes: Uint8Array,
  options: ImageDecoderOptions = {},
): Promise<void> {
  for (const libraries of [options, { ...options, turboJpegLibraries: [] }]) {
    await assert.rejects(decoderWith(libraries)(bytes), (error) => {
      assert.ok(error instanceof ImageError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, text);
      return true;
    });
  }
}

test('a JPEG gives the bytes of libjpeg, with and without the system library', async () => {
  for (const options of [
    {},
    { chroma: '4:4:4' },
    { progressive: true },
    { gray: true },
    { width: 640, height: 479 },
  ] as const) {
    const file = await jpeg(options);
    const expected = await sharp(file, { ignoreIcc: true }).toColourspace('srgb').raw().toBuffer();
    const { shape, bytes } = await decode(file);
    assert.equal(shape[2], 3);
    assert.deepEqual(bytes, new Uint8Array(expected));
    assert.deepEqual((await decodeBySharp(file)).bytes, bytes);
  }
});

test('both JPEG decoders agree in every colour format', async () => {
  for (const file of [await jpeg(), await jpeg({ gray: true }), await jpeg({ cmyk: true })]) {
    for (const format of ['RGB', 'BGR', 'GRAY', 'YCbCr', 'ANY_DATA'] as const satisfies ColorFormat[]) {
      assert.deepEqual(await decodeBySharp(file, { format }), await decode(file, { format }), format);
    }
  }
});

test('GRAY of a JPEG is its Y plane, not a mixture of the decoded colours', async () => {
  const pixels = rgbPixels(32, 32);
  const file = await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .jpeg({ chromaSubsampling: '4:4:4', quality: 100 })
    .toBuffer();
  const { shape, bytes } = await decode(file, { format: 'GRAY' });
  assert.deepEqual(shape, [32, 32, 1]);
  bytes.forEach((value, i) => {
    const [red, green, blue] = [pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!];
    assert.ok(Math.abs(value - (0.299 * red + 0.587 * green + 0.114 * blue)) <= 3);
  });
});

test('YCbCr is BT.601 with limited range', async () => {
  const white = await png(Buffer.alloc(3, 255), 1, 1, 3);
  const red = await png(Buffer.from([255, 0, 0]), 1, 1, 3);
  assert.deepEqual([...(await decode(white, { format: 'YCbCr' })).bytes], [235, 128, 128]);
  assert.deepEqual([...(await decode(red, { format: 'YCbCr' })).bytes], [81, 90, 240]);
});

test('the EXIF orientation is applied unless that is turned off', async () => {
  const upright = await decode(await jpeg({ width: 40, height: 24 }));
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await jpeg({ width: 40, height: 24, orientation });
    const expected = await sharp(file, { ignoreIcc: true }).autoOrient().raw().toBuffer();
    const turned = await decode(file);
    assert.deepEqual(turned.shape, orientation >= 5 ? [40, 24, 3] : [24, 40, 3]);
    assert.deepEqual(turned.bytes, new Uint8Array(expected), `orientation ${orientation}`);
    assert.deepEqual(await decode(file, { adjustOrientation: false }), upright);
  }
});

test('bytes behind the picture are ignored', async () => {
  for (const file of [
    await jpeg(),
    await png(rgbPixels(20, 10), 20, 10, 3),
    await sharp(await jpeg())
      .webp()
      .toBuffer(),
  ]) {
    const padded = Buffer.concat([file, Buffer.alloc(5000)]);
    assert.deepEqual(await decode(padded), await decode(file));
    assert.deepEqual(await decodeBySharp(padded), await decodeBySharp(file));
  }
});

test('an embedded colour profile changes nothing', async () => {
  const pixels = Buffer.from([184, 50, 64]);
  const file = await sharp(pixels, { raw: { width: 1, height: 1, channels: 3 } })
    .withIccProfile('p3')
    .png()
    .toBuffer();
  const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
  assert.deepEqual((await decode(file)).bytes, new Uint8Array(stored));
});

test('alpha is dropped without blending, and kept by ANY_DATA', async () => {
  const rgba = await png(Buffer.from([10, 20, 30, 0, 200, 100, 50, 128]), 2, 1, 4);
  assert.deepEqual([...(await decode(rgba)).bytes], [10, 20, 30, 200, 100, 50]);
  assert.deepEqual((await decode(rgba, { format: 'ANY_DATA' })).shape, [1, 2, 4]);
});

test('16-bit PNG samples become their high byte, or are kept', async () => {
  const samples = Uint16Array.of(0x1234, 0xabcd, 0xffff, 0x00ff, 0x0100, 0x8000);
  const file = await sharp(samples, { raw: { width: 2, height: 1, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  assert.deepEqual([...(await decode(file)).bytes], [0x12, 0xab, 0xff, 0x00, 0x01, 0x80]);
  const wide = await decode(file, { keep16Bit: true });
  assert.deepEqual([...new Uint16Array(wide.bytes.buffer)], [...samples]);
});

test('CMYK follows DALI: k * c / 255 of the stored, inverted values', async () => {
  const file = await jpeg({ cmyk: true, width: 16, height: 16 });
  const stored = await sharp(file, { ignoreIcc: true })
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer();
  const { bytes } = await decode(file);
  for (let i = 0; i < bytes.length / 3; i++) {
    const key = 255 - stored[4 * i + 3]!;
    for (let c = 0; c < 3; c++) assert.equal(bytes[3 * i + c], Math.trunc((key * (255 - stored[4 * i + c]!)) / 255));
  }
});

test('data that ends early is an error, wherever it is cut', async () => {
  for (const file of [
    await jpeg(),
    await jpeg({ progressive: true }),
    await png(rgbPixels(64, 64), 64, 64, 3),
    await sharp(await jpeg())
      .webp()
      .toBuffer(),
  ]) {
    for (const part of [0.05, 0.3, 0.6, 0.9, 0.98]) {
      const cut = file.subarray(0, Math.floor(file.length * part));
      for (const decodeOne of [decode, decodeBySharp]) {
        await assert.rejects(decodeOne(cut), (error) => error instanceof ImageError && error.code !== 'limit');
      }
    }
  }
});

test('formats that are refused are named', async () => {
  const svg = Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await fails('unsupported', /SVG images are not supported/, svg);
  await fails('unsupported', /GIF images are not supported/, Buffer.from('GIF89a\x01\x00\x01\x00', 'latin1'));
  await fails('unsupported', /TIFF images are not supported/, Buffer.from('II*\0\x08\0\0\0', 'latin1'));
  await fails('unsupported', /HEIF or AVIF/, Buffer.from('\0\0\0\x20ftypheic', 'latin1'));
  await fails('unsupported', /JPEG 2000/, Buffer.from('\0\0\0\x0cjP  \r\n', 'latin1'));
  await fails('unsupported', /PDF/, Buffer.from('%PDF-1.7'));
  await fails('unsupported', /unrecognised image format \(first bytes 68656c6c6f\)/, Buffer.from('hello'));
  await fails('truncated', /empty/, Buffer.alloc(0));
});

test('a picture with too many pixels is refused by its header', async () => {
  const bomb = await png(rgbPixels(8, 8), 8, 8, 3);
  bomb.writeUInt32BE(65_500, 16);
  bomb.writeUInt32BE(65_500, 20);
  await fails('limit', /65500x65500 pixels exceeds the limit of 100000000 pixels/, bomb);
  const photo = await jpeg();
  await fails('limit', /61x47 pixels exceeds the limit of 100 pixels/, photo, { maxPixels: 100 });
});

test('a progressive JPEG with endless scans is refused', async () => {
  const file = await jpeg({ progressive: true });
  const scan = file.indexOf(Buffer.from([0xff, 0xda]));
  const end = file.lastIndexOf(Buffer.from([0xff, 0xd9]));
  const scans = Buffer.concat([
    file.subarray(0, scan),
    ...Array<Buffer>(600).fill(file.subarray(scan, end)),
    file.subarray(end),
  ]);
  await fails('limit', /too many scans/, scans);
});

test('JPEG kinds that libjpeg does not decode everywhere are refused by name', async () => {
  const file = await jpeg();
  const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
  const twelveBit = Buffer.from(file);
  twelveBit[frame + 4] = 12;
  await fails('unsupported', /12 bits per sample/, twelveBit);
  const arithmetic = Buffer.from(file);
  arithmetic[frame + 1] = 0xc9;
  await fails('unsupported', /arithmetic-coded JPEG/, arithmetic);
});

test('damage that libjpeg decodes over does not fail the picture', async () => {
  const file = await jpeg();
  const end = file.lastIndexOf(Buffer.from([0xff, 0xd9]));
  const extraneous = Buffer.concat([file.subarray(0, end), Buffer.from([1, 2, 3, 4, 5]), file.subarray(end)]);
  assert.deepEqual((await decode(extraneous)).bytes, (await decode(file)).bytes);
  assert.deepEqual((await decodeBySharp(extraneous)).bytes, (await decode(file)).bytes);
});

test('EXIF that points to itself, or nowhere, is passed over', async () => {
  const file = await jpeg({ orientation: 6 });
  const exif = file.indexOf('Exif\0\0');
  for (const offset of [0xffffffff, 0, 4]) {
    const broken = Buffer.from(file);
    const littleEndian = broken[exif + 6] === 0x49;
    if (littleEndian) broken.writeUInt32LE(offset, exif + 10);
    else broken.writeUInt32BE(offset, exif + 10);
    assert.deepEqual((await decode(broken)).shape, [47, 61, 3]);
  }
});

test('memory is not lost over many pictures and failures', async () => {
  const kernels = new ImageKernels({ maxBytes: 4 * 2 ** 20 });
  const decoder = new ImageDecoder(kernels);
  const file = await jpeg({ width: 300, height: 200, orientation: 6 });
  const cut = file.subarray(0, file.length - 200);
  for (let i = 0; i < 50; i++) {
    const image = await decoder.decode(file, { format: i % 2 === 0 ? 'RGB' : 'YCbCr', adjustOrientation: true });
    kernels.free(image.address);
    assert.throws(() =>
      decoder.decode(Buffer.concat([cut, Buffer.from([0xff, 0xd9])]).subarray(0, 300), {
        format: 'RGB',
        adjustOrientation: true,
      }),
    );
  }
});
