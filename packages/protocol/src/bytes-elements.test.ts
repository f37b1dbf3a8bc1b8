import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBytesElements, encodeBytesElements } from './bytes-elements.ts';
import { failureOf } from './test-support/decode.ts';

test('elements come back as they went in', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (elements) => {
      assert.deepEqual(decodeBytesElements(encodeBytesElements(elements), elements.length, 'IN'), elements);
    }),
  );
  assert.deepEqual(encodeBytesElements(['é', '']), Uint8Array.of(2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0));
});

test('lengths that lie are refused', () => {
  const error = (bytes: readonly number[], count: number) =>
    failureOf(() => decodeBytesElements(Uint8Array.from(bytes), count, 'IN'));
  assert.equal(
    error([1, 0, 0], 1),
    "INVALID_ARG: incomplete string length indicator for 'IN', expecting 4 bytes but only 3 bytes available",
  );
  assert.equal(
    error([255, 255, 255, 255, 1], 1),
    "INVALID_ARG: incomplete string data for 'IN', expecting string of length 4294967295 but only 1 bytes available",
  );
  assert.equal(error([0, 0, 0, 0], 2), "INVALID_ARG: expected 2 string elements for 'IN', got 1");
  assert.equal(
    error([0, 0, 0, 0, 0, 0, 0, 0], 1),
    "INVALID_ARG: unexpected number of string elements 2 for 'IN', expecting 1",
  );
});

test('any bytes give elements or a StatusError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(5), (bytes, count) => {
      failureOf(() => decodeBytesElements(bytes, count, 'IN'));
    }),
  );
});
