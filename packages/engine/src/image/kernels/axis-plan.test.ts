import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ImageError } from '../image-error.ts';
import { type AxisRequest, planAxis } from './axis-plan.ts';

const linear = (sourceSize: number, outputSize: number, change: Partial<AxisRequest> = {}): AxisRequest => ({
  sourceSize,
  outputSize,
  lo: 0,
  hi: sourceSize,
  minFilter: 'LINEAR',
  magFilter: 'LINEAR',
  antialias: true,
  ...change,
});

/** Resamples one line with a plan, edges repeated. */
function apply(line: readonly number[], request: AxisRequest): number[] {
  const { first, weights, support, outputSize } = planAxis(request);
  return Array.from({ length: outputSize }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < support; k++)
      sum += weights[i * support + k]! * line[Math.min(Math.max(first[i]! + k, 0), line.length - 1)]!;
    return sum;
  });
}

test('doubling a ramp keeps pixel centres: the edges repeat', () => {
  const doubled = apply([0, 20, 40, 60], linear(4, 8));
  assert.deepEqual(doubled.map(Math.round), [0, 5, 15, 25, 35, 45, 55, 60]);
});

test('halving with antialiasing is a triangle of radius two', () => {
  // Output 1 is centred between pixels 2 and 3: distances 0.5 and 1.5 weigh 3 : 1.
  const [, value] = apply([0, 0, 80, 0, 0, 0], linear(6, 3));
  assert.ok(Math.abs(value! - (80 * 0.75) / 2) < 1e-4);
});

test('without antialiasing only the two nearest pixels count', () => {
  const [value] = apply([10, 20, 90, 90], linear(4, 2, { antialias: false }));
  assert.ok(Math.abs(value! - 15) < 1e-4);
});

test('TRIANGULAR without antialiasing is LINEAR', () => {
  const triangular = planAxis(linear(9, 4, { minFilter: 'TRIANGULAR', antialias: false }));
  assert.deepEqual(triangular.weights, planAxis(linear(9, 4, { antialias: false })).weights);
});

test('nearest neighbour takes the pixel under the centre', () => {
  assert.deepEqual(apply([1, 2, 3, 4, 5], linear(5, 2, { minFilter: 'NN' })), [2, 4]);
  assert.deepEqual(apply([1, 2], linear(2, 5, { magFilter: 'NN' })), [1, 1, 2, 2, 2]);
});

test('a region with swapped ends flips', () => {
  assert.deepEqual(apply([1, 2, 3, 4], linear(4, 4, { lo: 4, hi: 0 })).map(Math.round), [4, 3, 2, 1]);
});

test('a line that keeps its size is left as it is', () => {
  for (const filter of ['NN', 'LINEAR', 'TRIANGULAR', 'CUBIC', 'LANCZOS3'] as const) {
    const request = linear(7, 7, { minFilter: filter, magFilter: filter });
    assert.ok(planAxis(request).isIdentity, filter);
    apply([5, 1, 9, 2, 8, 3, 7], request).forEach((value, i) => {
      assert.ok(Math.abs(value - [5, 1, 9, 2, 8, 3, 7][i]!) < 1e-4, filter);
    });
  }
});

test('weights of every filter sum to one', () => {
  const filter = fc.constantFrom('NN', 'LINEAR', 'TRIANGULAR', 'CUBIC', 'LANCZOS3', 'GAUSSIAN' as const);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 200 }),
      filter,
      fc.boolean(),
      (source, output, name, antialias) => {
        const { weights, support } = planAxis(linear(source, output, { minFilter: name, magFilter: name, antialias }));
        for (let i = 0; i < output; i++) {
          const sum = weights.subarray(i * support, (i + 1) * support).reduce((total, weight) => total + weight, 0);
          assert.ok(Math.abs(sum - 1) < 1e-5, `output ${i} sums to ${sum}`);
        }
      },
    ),
  );
});

test('a region far outside of the picture reads its edge', () => {
  for (const [lo, hi, edge] of [
    [1e30, 1.1e30, 3],
    [-1.1e30, -1e30, 1],
  ] as const) {
    const { first, support } = planAxis(linear(3, 3, { lo, hi, antialias: false }));
    for (const index of first) assert.ok(edge === 3 ? index > 3 : index + support < 0);
  }
});

test('sizes that are no sizes are refused', () => {
  for (const size of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY])
    assert.throws(() => planAxis(linear(3, size)), ImageError);
});

test('a region that needs an endless filter is refused', () => {
  assert.throws(
    () => planAxis(linear(10, 1, { lo: -1e9, hi: 1e9 })),
    (error) => error instanceof ImageError && error.code === 'limit',
  );
});
