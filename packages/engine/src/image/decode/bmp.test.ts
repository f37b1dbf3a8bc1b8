import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ImageError } from '../image-error.ts';
import { decodeBmp } from './bmp.ts';

interface BmpFile {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly compression?: number;
  /** RGB triples. */
  readonly palette?: readonly (readonly [number, number, number])[];
  readonly masks?: readonly number[];
  readonly data: readonly number[];
}

/** A bitmap with a BITMAPINFOHEADER. */
function bmp(file: BmpFile): Buffer {
  const header = Buffer.alloc(54);
  const extra = [
    ...(file.masks ?? []).flatMap((mask) => [mask & 255, (mask >> 8) & 255, (mask >> 16) & 255, mask >>> 24]),
    ...(file.palette ?? []).flatMap(([r, g, b]) => [b, g, r, 0]),
  ];
  header.write('BM');
  header.writeUInt32LE(54 + extra.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(file.width, 18);
  header.writeInt32LE(file.height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(file.bits, 28);
  header.writeUInt32LE(file.compression ?? 0, 30);
  header.writeUInt32LE(file.palette?.length ?? 0, 46);
  return Buffer.concat([header, Buffer.from(extra), Buffer.from(file.data)]);
}

const pixelsOf = (file: BmpFile) => {
  const { data, channels } = decodeBmp(bmp(file));
  return { channels, data: [...data] };
};

test('24-bit rows run from the bottom up, blue first, padded to four bytes', () => {
  const data = [3, 2, 1, 6, 5, 4, 0, 0, 9, 8, 7, 12, 11, 10, 0, 0];
  assert.deepEqual(pixelsOf({ width: 2, height: 2, bits: 24, data }), {
    channels: 3,
    data: [7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6],
  });
  assert.deepEqual(pixelsOf({ width: 2, height: -2, bits: 24, data }).data, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('palettes of 1, 4 and 8 bits', () => {
  const palette = [
    [10, 20, 30],
    [40, 50, 60],
    [70, 80, 90],
  ] as const;
  assert.deepEqual(
    pixelsOf({ width: 3, height: 1, bits: 8, palette, data: [2, 0, 1, 0] }).data,
    [70, 80, 90, 10, 20, 30, 40, 50, 60],
  );
  assert.deepEqual(
    pixelsOf({ width: 3, height: 1, bits: 4, palette, data: [0x20, 0x10, 0, 0] }).data,
    [70, 80, 90, 10, 20, 30, 40, 50, 60],
  );
  assert.deepEqual(
    pixelsOf({
      width: 3,
      height: 1,
      bits: 1,
      palette: [
        [0, 0, 0],
        [255, 255, 255],
      ],
      data: [0b10100000, 0, 0, 0],
    }),
    {
      channels: 1,
      data: [255, 0, 255],
    },
  );
});

test('16 and 32 bits with and without masks; alpha is dropped', () => {
  assert.deepEqual(
    pixelsOf({ width: 2, height: 1, bits: 16, data: [0x00, 0x7c, 0xe0, 0x03] }).data,
    [255, 0, 0, 0, 255, 0],
  );
  assert.deepEqual(
    pixelsOf({
      width: 2,
      height: 1,
      bits: 16,
      compression: 3,
      masks: [0xf800, 0x07e0, 0x001f],
      data: [0x1f, 0xf8, 0xe0, 0x07],
    }).data,
    [255, 0, 255, 0, 255, 0],
  );
  assert.deepEqual(pixelsOf({ width: 1, height: 1, bits: 32, data: [30, 20, 10, 99] }).data, [10, 20, 30]);
});

test('run-length encoding of 8 and 4 bits', () => {
  const palette = Array.from({ length: 4 }, (_, i) => [i, i, i] as const);
  const eight = { width: 4, height: 2, bits: 8, compression: 1, palette, data: [3, 1, 0, 0, 0, 3, 2, 3, 1, 0, 0, 1] };
  assert.deepEqual(pixelsOf(eight).data, [2, 3, 1, 0, 1, 1, 1, 0]);
  const four = { width: 4, height: 1, bits: 4, compression: 2, palette, data: [4, 0x12, 0, 1] };
  assert.deepEqual(pixelsOf(four).data, [1, 2, 1, 2]);
});

test('what is cut short or of an unknown kind is an ImageError', () => {
  assert.throws(() => decodeBmp(bmp({ width: 2, height: 2, bits: 24, data: [1, 2, 3] })), /truncated BMP/);
  assert.throws(
    () => decodeBmp(bmp({ width: 4, height: 2, bits: 8, compression: 1, palette: [[0, 0, 0]], data: [3, 1, 0] })),
    /truncated BMP run-length/,
  );
  assert.throws(() => decodeBmp(bmp({ width: 1, height: 1, bits: 24, compression: 4, data: [] })), /compression JPEG/);
  assert.throws(() => decodeBmp(bmp({ width: 0, height: 1, bits: 24, data: [] })), /0x1 pixels/);
});

test('any run-length data gives pixels or an ImageError', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(255), { maxLength: 60 }),
      fc.constantFrom([8, 1], [4, 2]),
      (data, [bits, compression]) => {
        try {
          const file = {
            width: 5,
            height: 4,
            bits: bits!,
            compression: compression!,
            palette: [[1, 2, 3]] as const,
            data,
          };
          assert.equal(decodeBmp(bmp(file)).data.length, 60);
        } catch (error) {
          assert.ok(error instanceof ImageError, String(error));
        }
      },
    ),
  );
});
