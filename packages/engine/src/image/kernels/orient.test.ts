import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageKernels } from './image-kernels.ts';
import { type Orientation, orient } from './orient.ts';

/** Letters of a 2x3 picture as they must appear, per EXIF orientation of the stored rows ABC, DEF. */
const UPRIGHT: Readonly<Record<Orientation, readonly string[]>> = {
  1: ['ABC', 'DEF'],
  2: ['CBA', 'FED'],
  3: ['FED', 'CBA'],
  4: ['DEF', 'ABC'],
  5: ['AD', 'BE', 'CF'],
  6: ['DA', 'EB', 'FC'],
  7: ['FC', 'EB', 'DA'],
  8: ['CF', 'BE', 'AD'],
};

test('each EXIF orientation is turned upright', () => {
  const kernels = new ImageKernels();
  for (const channels of [1, 3, 4]) {
    for (const [key, rows] of Object.entries(UPRIGHT)) {
      const letters = [...'ABCDEF'].flatMap((letter) =>
        Array.from({ length: channels }, (_, c) => letter.charCodeAt(0) + 10 * c),
      );
      const address = kernels.allocate(letters.length);
      kernels.bytes(address, letters.length).set(letters);
      const source = { address, height: 2, width: 3, channels, type: 'UINT8' } as const;
      const upright = orient(kernels, source, Number(key) as Orientation);
      assert.deepEqual([upright.height, upright.width], [rows.length, rows[0]!.length]);
      const bytes = kernels.bytes(upright.address, letters.length);
      const expected = [...rows.join('')].flatMap((letter) =>
        Array.from({ length: channels }, (_, c) => letter.charCodeAt(0) + 10 * c),
      );
      assert.deepEqual([...bytes], expected, `orientation ${key} with ${channels} channels`);
    }
  }
});

test('pictures larger than a tile are turned as well', () => {
  const kernels = new ImageKernels();
  const [height, width] = [70, 45];
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 31) % 251);
  const address = kernels.allocate(pixels.length);
  kernels.bytes(address, pixels.length).set(pixels);
  const turned = orient(kernels, { address, height, width, channels: 3, type: 'UINT8' }, 6);
  const bytes = kernels.bytes(turned.address, pixels.length);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < height; x++) {
      const stored = ((height - 1 - x) * width + y) * 3;
      assert.equal(bytes[(y * height + x) * 3 + 2], pixels[stored + 2]);
    }
  }
});
