import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TopIndices } from './top-indices.ts';

function top(values: ArrayLike<number | bigint>, start: number, length: number, count: number): number[] {
  const found = new TopIndices(values, start, length, count);
  while (!found.step());
  return [...found.indices];
}

test('the order is that of a sort: highest first, equal ones by index, NaN last', () => {
  const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY));
  fc.assert(
    fc.property(fc.array(value), fc.nat(40), (values, count) => {
      const rank = (index: number) => (Number.isNaN(values[index]) ? Number.NEGATIVE_INFINITY : values[index]!);
      const sorted = values
        .map((_, index) => index)
        .sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) > rank(b) ? -1 : 1));
      // -Infinity is not among the values, so that NaN can stand there.
      assert.deepEqual(top(values, 0, values.length, count), sorted.slice(0, count));
      assert.deepEqual(top([9, ...values, 9], 1, values.length, count), sorted.slice(0, count));
    }),
  );
});

test('each step does a bounded part of the work', () => {
  const steps = (count: number) => {
    const found = new TopIndices(
      Float32Array.from({ length: 100_000 }, (_, index) => index),
      0,
      100_000,
      count,
    );
    let done = 1;
    while (!found.step()) done++;
    return done;
  };
  assert.ok(steps(1) >= 100_000 / 16_384);
  assert.ok(steps(100_000) >= (2 * 100_000) / 512 - 2);
});
