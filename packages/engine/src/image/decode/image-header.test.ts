import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { ImageError } from '../image-error.ts';
import { jpeg, png, rgbPixels } from '../test-support/pictures.ts';
import { readImageHeader } from './image-header.ts';

test('size, channels and orientation are read without decoding', async () => {
  const read = (bytes: Uint8Array) => {
    const { format, width, height, channels, bitsPerSample, orientation } = readImageHeader(bytes);
    return [format, width, height, channels, bitsPerSample, orientation];
  };
  assert.deepEqual(read(await jpeg()), ['jpeg', 61, 47, 3, 8, 1]);
  assert.deepEqual(read(await jpeg({ orientation: 8 })), ['jpeg', 61, 47, 3, 8, 8]);
  assert.deepEqual(read(await jpeg({ gray: true })), ['jpeg', 61, 47, 1, 8, 1]);
  assert.deepEqual(read(await jpeg({ cmyk: true })), ['jpeg', 61, 47, 4, 8, 1]);
  assert.deepEqual(read(await png(Buffer.alloc(24), 3, 2, 4)), ['png', 3, 2, 4, 8, 1]);
  const picture = sharp(rgbPixels(33, 20), { raw: { width: 33, height: 20, channels: 3 } });
  assert.deepEqual(read(await picture.clone().webp().toBuffer()), ['webp', 33, 20, 3, 8, 1]);
  assert.deepEqual(read(await picture.clone().webp({ lossless: true }).toBuffer()), ['webp', 33, 20, 3, 8, 1]);
  assert.deepEqual(read(await picture.clone().withMetadata({ orientation: 5 }).webp().toBuffer()), [
    'webp',
    33,
    20,
    3,
    8,
    5,
  ]);
  assert.deepEqual(read(await picture.clone().withMetadata({ orientation: 3 }).png().toBuffer()), [
    'png',
    33,
    20,
    3,
    8,
    3,
  ]);
  assert.deepEqual(read(Buffer.from('P6 # a comment\n4 3 255\n')), ['pnm', 4, 3, 3, 8, 1]);
});

test('any bytes give a header or an ImageError', async () => {
  const starts = [
    await jpeg({ orientation: 6 }),
    await png(rgbPixels(9, 9), 9, 9, 3),
    await sharp(await jpeg())
      .withMetadata({ orientation: 6 })
      .webp()
      .toBuffer(),
    Buffer.from('BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0', 'latin1'),
    Buffer.from('P5\n3 3\n255\n'),
  ];
  const damaged = fc
    .record({
      start: fc.constantFrom(...starts),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      edits: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 }),
    })
    .map(({ start, cut, edits }) => {
      const bytes = Buffer.from(start.subarray(0, Math.floor(start.length * cut)));
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      try {
        const { width, height } = readImageHeader(bytes);
        assert.ok(width > 0 && height > 0);
      } catch (error) {
        assert.ok(error instanceof ImageError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('an animated WebP is refused', () => {
  const file = Buffer.from('RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x0a\0\0\x0a\0\0', 'latin1');
  assert.throws(() => readImageHeader(Buffer.concat([file, Buffer.alloc(8)])), /animated WebP/);
});
