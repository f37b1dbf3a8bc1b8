import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from './byte-writer.ts';

function print(value: number): string {
  const writer = new ByteWriter(16);
  writer.double(value);
  return Buffer.from(writer.view()).toString();
}

test('doubles print as RapidJSON prints them', () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-1.5, '-1.5'],
    [1e10, '10000000000.0'],
    [Number('123456789012345680'), '123456789012345680.0'],
    [1e20, '100000000000000000000.0'],
    [1e21, '1e21'],
    [1.5e300, '1.5e300'],
    [0.00001, '0.00001'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e308'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ];
  for (const [value, text] of texts) assert.equal(print(value), text);
});

test('FP32 values print as the double they are, with the digits of RapidJSON 1.1', () => {
  // Recorded from Triton; JavaScript has another last digit for the last four.
  const texts: readonly (readonly [number, string])[] = [
    [0.1, '0.10000000149011612'],
    [1e15, '999999986991104.0'],
    [1e16, '10000000272564224.0'],
    [1e21, '1.0000000200408774e21'],
    [1e22, '9.999999778196309e21'],
    [0.000001, '9.999999974752428e-7'],
    [3e38, '3.0000000054977559e38'],
  ];
  for (const [value, text] of texts) assert.equal(print(Math.fround(value)), text);
});

test('what is printed reads back as the same double', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(print(value)), value));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(print(value)), value));
    }),
    { numRuns: 2000 },
  );
});

test('integral doubles have all their digits', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      assert.equal(print(value), `${value}.0`);
    }),
  );
});

test('integers print as JavaScript prints them', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -200, max: 200 })), (value) => {
      const writer = new ByteWriter(4);
      writer.integer(value);
      assert.equal(Buffer.from(writer.view()).toString(), String(value));
    }),
  );
});
