import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bfloat16FromBits, bfloat16ToBits, float16FromBits, float16ToBits } from './half.ts';

test('every FP16 pattern goes to a number and back', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const [value] = float16FromBits([bits]);
    const [back] = float16ToBits([value!]);
    if (Number.isNaN(value)) assert.ok((back! & 0x7c00) === 0x7c00 && (back! & 0x3ff) !== 0);
    else assert.equal(back, bits);
  }
});

test('FP16: limits, ties and what is too small or too large', () => {
  for (const [value, bits] of [
    [0, 0],
    [-0, 0x8000],
    [1, 0x3c00],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-1e10, 0xfc00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [2 ** -25 * 1.01, 1],
    [2 ** -24 * 1.5, 2],
    [2 ** -14, 0x400],
    [2 ** -14 - 2 ** -25, 0x400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.1, 0x2e66],
  ] as const) {
    assert.equal(float16ToBits([value])[0], bits, String(value));
  }
});

test('rounding to FP16 and BF16 is to the nearest: no neighbour is nearer', () => {
  const check = (toBits: typeof float16ToBits, fromBits: typeof float16FromBits, value: number): void => {
    const [bits] = toBits([value]);
    const error = Math.abs(fromBits([bits!])[0]! - value);
    for (const neighbour of [bits! - 1, bits! + 1]) {
      const [other] = fromBits([neighbour & 0xffff]);
      if (Number.isFinite(other)) assert.ok(Math.abs(other! - value) >= error, `${value}`);
    }
  };
  fc.assert(
    fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) =>
      check(float16ToBits, float16FromBits, value),
    ),
  );
  fc.assert(
    fc.property(fc.float({ min: -(2 ** 100), max: 2 ** 100, noNaN: true }), (value) =>
      check(bfloat16ToBits, bfloat16FromBits, value),
    ),
  );
});

test('BF16 is the upper half of a float; NaN stays NaN', () => {
  assert.deepEqual(
    bfloat16ToBits([1, -2, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, 0]),
    Uint16Array.of(0x3f80, 0xc000, 0x3f80, 0x3f82, 0x7f80, 0),
  );
  assert.ok(Number.isNaN(bfloat16FromBits(bfloat16ToBits([Number.NaN]))[0]));
  assert.ok(Number.isNaN(float16FromBits(float16ToBits([Number.NaN]))[0]));
});
