import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBytesElements } from './bytes-elements.ts';
import { classify } from './classification.ts';
import type { Tensor } from './tensor.ts';
import { failureOf } from './test-support/decode.ts';

const LABELS = ['apple', 'banana', 'cherry', 'date'];

function tensor(dataType: Tensor['dataType'], shape: readonly number[], values: ArrayBufferView): Tensor {
  return { name: 'OUT', dataType, shape, data: new Uint8Array(values.buffer) };
}

function classes(result: Tensor): string[] {
  const count = result.shape.reduce((product, dim) => product * dim, 1);
  return decodeBytesElements(result.data, count, 'OUT').map((element) => Buffer.from(element).toString());
}

test('the highest values come first, with index and label', () => {
  const floats = tensor('FP32', [1, 4], Float32Array.of(0.5, 3, 1, 2));
  const result = classify(floats, 3, true, LABELS);
  assert.deepEqual([result.dataType, result.shape], ['BYTES', [1, 3]]);
  assert.deepEqual(classes(result), ['3.000000:1:banana', '2.000000:3:date', '1.000000:2:cherry']);
  assert.deepEqual(classes(classify(floats, 1, true, undefined)), ['3.000000:1']);
  assert.deepEqual(classes(classify(floats, 2, true, ['', ''])), ['3.000000:1', '2.000000:3'], 'empty lines');
});

test('each item of a batch has classes of its own, and no more than it has elements', () => {
  const batch = tensor('INT32', [2, 2], Int32Array.of(1, 9, 8, 7));
  const result = classify(batch, 5, true, undefined);
  assert.deepEqual(result.shape, [2, 2]);
  assert.deepEqual(classes(result), ['9:1', '1:0', '8:0', '7:1']);
  const unbatched = classify(batch, 1, false, undefined);
  assert.deepEqual([unbatched.shape, classes(unbatched)], [[1], ['9:1']]);
});

test('values print as C++ prints them', () => {
  const print = (...values: number[]) =>
    classes(classify(tensor('FP64', [values.length], Float64Array.from(values)), values.length, false, undefined)).map(
      (text) => text.split(':')[0],
    );
  assert.deepEqual(print(-0.25, -1e-7, -1, -2), ['-0.000000', '-0.250000', '-1.000000', '-2.000000']);
  assert.deepEqual(print(0.0078125, 0.0234375), ['0.023438', '0.007812'], 'halves go to even');
  assert.deepEqual(print(1e22, 123456.7890125), ['10000000000000000000000.000000', '123456.789012']);
  assert.deepEqual(print(Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY), ['inf', '-inf', 'nan']);
  const longs = tensor('UINT64', [2], BigUint64Array.of(1n, 2n ** 64n - 1n));
  assert.deepEqual(classes(classify(longs, 2, false, undefined)), ['18446744073709551615:1', '1:0']);
});

test('what has no classes is refused', () => {
  assert.equal(
    failureOf(() => classify(tensor('BYTES', [1], new Uint8Array(4)), 1, false, undefined)),
    "INVALID_ARG: class result not available for output due to unsupported type 'BYTES'",
  );
  assert.equal(
    failureOf(() => classify(tensor('UINT8', [1_000_001], new Uint8Array(1_000_001)), 2 ** 31, false, undefined)),
    'INVALID_ARG: classification output tensor too large',
  );
});
