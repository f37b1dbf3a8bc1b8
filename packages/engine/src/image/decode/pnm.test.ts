import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePnm } from './pnm.ts';

const decode = (text: string, ...bytes: number[]) => {
  const { width, height, channels, data } = decodePnm(Buffer.concat([Buffer.from(text), Buffer.from(bytes)]));
  return { shape: [height, width, channels], data: [...data] };
};

test('bitmaps: 1 is black, rows are padded to bytes', () => {
  assert.deepEqual(decode('P1\n# drawn by hand\n3 2\n101\n0 1 0\n'), {
    shape: [2, 3, 1],
    data: [0, 255, 0, 255, 0, 255],
  });
  assert.deepEqual(decode('P4 9 2\n', 0b10000000, 0b10000000, 0, 0).data, [
    0,
    ...Array<number>(7).fill(255),
    0,
    ...Array<number>(9).fill(255),
  ]);
});

test('grey and colour maps, as text and binary', () => {
  assert.deepEqual(decode('P2 2 1 255 7 200').data, [7, 200]);
  assert.deepEqual(decode('P3 1 1 255\n1 2 3\n'), { shape: [1, 1, 3], data: [1, 2, 3] });
  assert.deepEqual(decode('P5 2 1 255\n', 9, 10), { shape: [1, 2, 1], data: [9, 10] });
  assert.deepEqual(decode('P6\n1 2\n255\n', 1, 2, 3, 4, 5, 6), { shape: [2, 1, 3], data: [1, 2, 3, 4, 5, 6] });
});

test('other maximum values are scaled to the full range', () => {
  assert.deepEqual(decode('P2 3 1 15 0 15 7').data, [0, 255, 119]);
  assert.deepEqual(decode('P5 1 1 65535\n', 0x12, 0x34).data, [0x1234]);
});

test('bytes behind the picture are ignored, missing ones are an error', () => {
  assert.deepEqual(decode('P5 1 1 255\n', 9, 0, 0, 0).data, [9]);
  assert.throws(() => decode('P5 2 2 255\n', 1, 2, 3), /truncated PNM/);
  assert.throws(() => decode('P2 2 1 255 7 x'), /PNM sample expected at byte 13/);
  assert.throws(() => decode('P5 0 2 255\n'), /0x2 pixels/);
  assert.throws(() => decode('P5 99999999999 1 255\n'), /too large/);
});
