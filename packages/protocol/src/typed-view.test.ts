import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from './test-support/decode.ts';
import { typedView } from './typed-view.ts';

test('aligned contents are viewed, others copied', () => {
  const bytes = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
  const view = typedView({ dataType: 'FP32', data: bytes.subarray(4) });
  assert.deepEqual([...view], [2, 3]);
  assert.equal(view.buffer, bytes.buffer);
  const shifted = new Uint8Array(13);
  shifted.set(bytes, 1);
  assert.deepEqual([...typedView({ dataType: 'FP32', data: shifted.subarray(1) })], [1, 2, 3]);
  assert.ok(typedView({ dataType: 'INT64', data: new Uint8Array(8) }) instanceof BigInt64Array);
});

test('what has no typed view is refused', () => {
  const view = (dataType: 'BYTES' | 'INT32', bytes: number) => () =>
    typedView({ name: 'X', dataType, shape: [1], data: new Uint8Array(bytes) });
  assert.equal(failureOf(view('BYTES', 4)), 'INVALID_ARG: BYTES elements have no typed view');
  assert.equal(failureOf(view('INT32', 5)), 'INVALID_ARG: 5 bytes are no whole number of INT32 elements');
});
