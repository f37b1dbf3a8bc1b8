import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countElements, MAX_TENSOR_SIZE, shapeToString } from './shape.ts';

test('elements are counted without losing precision', () => {
  assert.equal(countElements([]), 0);
  assert.equal(countElements([2, 3, 4]), 24);
  assert.equal(countElements([3, 0, 2 ** 40]), 0);
  assert.equal(countElements([2 ** 40, 2 ** 20]), 2n ** 60n);
  assert.equal(countElements([2 ** 40, 2 ** 40]), 'overflow');
  assert.equal(countElements([2n ** 63n - 1n]), MAX_TENSOR_SIZE);
});

test('the first dimension that decides wins', () => {
  assert.equal(countElements([2, -1, -5]), 'wildcard');
  assert.equal(countElements([2, -5, -1]), 'invalid');
  assert.equal(countElements([0, -5]), 0);
  assert.equal(countElements([-5, 0]), 'invalid');
  assert.equal(countElements([2n ** 62n, 4, 0]), 'overflow');
});

test('the count is the product, as far as 64 bits hold it', () => {
  const dims = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.bigInt({ min: 1n, max: 2n ** 62n })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(dims, (shape) => {
      const product = shape.reduce<bigint>((total, dim) => total * BigInt(dim), 1n);
      const count = countElements(shape);
      if (product > MAX_TENSOR_SIZE) assert.equal(count, 'overflow');
      else assert.equal(BigInt(count as number | bigint), product);
    }),
  );
});

test("shapes print as in Triton's messages", () => {
  assert.equal(shapeToString([-1, 16]), '[-1,16]');
  assert.equal(shapeToString([]), '[]');
});
