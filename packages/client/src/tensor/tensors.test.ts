import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DataInput } from './input.ts';
import { inputContents } from './input-contents.ts';
import { OutputTensor } from './output-tensor.ts';

/** A tensor as it would come back from a model that repeats its input. */
function echo(input: DataInput): OutputTensor {
  return new OutputTensor(input.name, input.dataType, input.shape, inputContents(input));
}

describe('inputs', () => {
  test('numbers come back as they were given', () => {
    const check = (
      dataType: 'INT8' | 'UINT8' | 'INT16' | 'UINT16' | 'INT32' | 'UINT32' | 'FP64',
      element: fc.Arbitrary<number>,
    ) =>
      fc.assert(
        fc.property(fc.array(element), (data) => {
          const output = echo({ name: 'T', dataType, shape: [data.length], data });
          assert.deepEqual([...output.as(dataType)], data);
        }),
      );
    check('INT8', fc.integer({ min: -128, max: 127 }));
    check('UINT8', fc.integer({ min: 0, max: 255 }));
    check('INT16', fc.integer({ min: -32768, max: 32767 }));
    check('UINT16', fc.integer({ min: 0, max: 65535 }));
    check('INT32', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    check('UINT32', fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    check('FP64', fc.double());
  });

  test('64-bit integers are bigints or exact numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger())),
        (data) => {
          const output = echo({ name: 'T', dataType: 'INT64', shape: [data.length], data });
          assert.deepEqual([...output.as('INT64')], data.map(BigInt));
        },
      ),
    );
    for (const value of [2n ** 63n, 2 ** 53, 1.5, '1' as unknown as number]) {
      assert.throws(() => inputContents({ name: 'T', dataType: 'INT64', shape: [1], data: [value] }), {
        code: 'INVALID_ARG',
      });
    }
    assert.throws(() => inputContents({ name: 'T', dataType: 'UINT64', shape: [1], data: [-1n] }), {
      code: 'INVALID_ARG',
    });
  });

  test('strings and bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array())), (data) => {
        const output = echo({ name: 'T', dataType: 'BYTES', shape: [data.length, 1], data });
        const expected = data.map((element) =>
          typeof element === 'string' ? new TextEncoder().encode(element) : element,
        );
        assert.deepEqual(
          (output.data as readonly Uint8Array[]).map((element) => [...element]),
          expected.map((element) => [...element]),
        );
      }),
    );
  });

  test('typed arrays are not copied, nor are parts of them', () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    const data = whole.subarray(1, 3);
    const contents = inputContents({ name: 'T', dataType: 'FP32', shape: [2], data });
    assert.equal(contents.buffer, whole.buffer);
    assert.deepEqual([contents.byteOffset, contents.byteLength], [4, 8]);
  });

  test('contents in binary form are taken as they are', () => {
    const bytes = Uint8Array.of(0, 0, 128, 63);
    assert.equal(inputContents({ name: 'T', dataType: 'FP32', shape: [1], bytes }), bytes);
    assert.throws(() => inputContents({ name: 'T', dataType: 'FP32', shape: [2], bytes }), /needs 8 bytes, got 4/);
  });

  test('shapes that no tensor has are refused', () => {
    for (const shape of [[-1], [1.5], [Number.NaN], [2 ** 53], [2 ** 30, 2 ** 30], [Number.POSITIVE_INFINITY]]) {
      assert.throws(() => inputContents({ name: 'T', dataType: 'UINT8', shape, data: [] }), /impossible shape/);
    }
  });
});

describe('outputs', () => {
  test('what is aligned is a view, what is not is a copy', () => {
    const memory = new ArrayBuffer(24);
    const at = (offset: number) => new OutputTensor('T', 'FP32', [2], new Uint8Array(memory, offset, 8));
    assert.equal(at(8).as('FP32').buffer, memory);
    assert.notEqual(at(9).as('FP32').buffer, memory);
    const tensor = at(9);
    assert.equal(tensor.data, tensor.data);
  });

  test('classes, batched and not', () => {
    const classes = (shape: readonly number[], texts: string[]) => {
      const bytes = inputContents({ name: 'T', dataType: 'BYTES', shape, data: texts });
      return new OutputTensor('T', 'BYTES', shape, bytes).classes();
    };
    const cat = { score: 0.5, index: 3, label: 'cat: tabby' };
    assert.deepEqual(classes([1], ['0.500000:3:cat: tabby']), [[cat]]);
    assert.deepEqual(classes([2, 1], ['0.500000:3:cat: tabby', '-inf:0']), [
      [cat],
      [{ score: Number.NEGATIVE_INFINITY, index: 0, label: undefined }],
    ]);
    assert.deepEqual(classes([2, 0], []), []);
    assert.throws(() => classes([1], ['high']), { code: 'INVALID_RESPONSE' });
  });

  test('accessors say when the type is another', () => {
    const tensor = new OutputTensor('T', 'INT8', [1], new Uint8Array(1));
    for (const access of [
      () => tensor.as('FP32'),
      () => tensor.strings(),
      () => tensor.floats(),
      () => tensor.booleans(),
      () => tensor.classes(),
    ]) {
      assert.throws(access, /^InferenceServerError: output 'T' is INT8, not /);
    }
    const elsewhere = new OutputTensor('T', 'INT8', [1], undefined);
    assert.equal(elsewhere.inSharedMemory, true);
    assert.throws(() => elsewhere.data, /is in shared memory/);
  });
});
