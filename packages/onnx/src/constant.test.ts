import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bfloat16ToNumber,
  constantElements,
  type ElementType,
  halfToNumber,
  numberToBfloat16,
  numberToHalf,
  numericConstant,
  rawConstant,
  stringConstant,
} from './index.ts';

test('numbers of every numeric type read back', () => {
  const cases: [ElementType, (number | bigint)[]][] = [
    ['float', [1.5, -0, Infinity, Math.fround(0.1)]],
    ['double', [0.1, -1e308]],
    ['float16', [65504, -0.5, 2 ** -24]],
    ['bfloat16', [1, -2.5]],
    ['int8', [-128, 127]],
    ['uint8', [0, 255]],
    ['bool', [0, 1]],
    ['int16', [-32768, 32767]],
    ['uint16', [65535]],
    ['int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['uint32', [2 ** 32 - 1]],
    ['int64', [-(2n ** 63n), 2n ** 63n - 1n]],
    ['uint64', [2n ** 64n - 1n]],
  ];
  for (const [type, values] of cases) {
    assert.deepEqual(constantElements(numericConstant('c', type, [values.length], values)), values, type);
  }
});

test('a size that disagrees with the shape is an error', () => {
  assert.throws(() => rawConstant('c', 'float', [2], new Uint8Array(4)), {
    name: 'OnnxError',
    message: "constant 'c': 4 bytes for float [2], expected 8",
  });
  assert.throws(() => numericConstant('c', 'float', [2 ** 40, 2 ** 40], []), { message: /too many elements/ });
  assert.throws(() => stringConstant('c', [2], ['a']), { message: "constant 'c': 1 strings for shape [2]" });
});

test('every half converts to a number and back to the same bits', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToNumber(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(halfToNumber(numberToHalf(value))));
    else assert.equal(numberToHalf(value), bits);
  }
});

test('rounding to half and bfloat16 is to the nearest, ties to even', () => {
  assert.equal(numberToHalf(1 + 2 ** -11), 0x3c00);
  assert.equal(numberToHalf(1 + 3 * 2 ** -11), 0x3c02);
  assert.equal(numberToHalf(65519.99), 0x7bff);
  assert.equal(numberToHalf(65520), 0x7c00);
  assert.equal(numberToHalf(2 ** -25), 0);
  assert.equal(numberToHalf(-(2 ** -25) * 1.01), 0x8001);
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -65000, max: 65000 }), (value) => {
      const bits = numberToHalf(value) & 0x7fff;
      const distance = Math.abs(Math.abs(value) - halfToNumber(bits));
      for (const neighbour of [bits - 1, bits + 1]) {
        if (neighbour >= 0 && neighbour < 0x7c00) {
          assert.ok(distance <= Math.abs(Math.abs(value) - halfToNumber(neighbour)));
        }
      }
    }),
  );
  for (let bits = 0; bits < 0x7f80; bits++) assert.equal(numberToBfloat16(bfloat16ToNumber(bits)), bits);
  assert.equal(numberToBfloat16(1 + 2 ** -8), 0x3f80);
  assert.equal(numberToBfloat16(1 + 3 * 2 ** -8), 0x3f82);
  assert.ok(Number.isNaN(bfloat16ToNumber(numberToBfloat16(Number.NaN))));
});
