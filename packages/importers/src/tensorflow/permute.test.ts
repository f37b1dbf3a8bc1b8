import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { permuteConstant } from './permute.ts';

/** By the definition, element by element. */
function permuted(values: readonly number[], dims: readonly number[], perm: readonly number[]): number[] {
  const target = perm.map((axis) => dims[axis] as number);
  return Array.from({ length: values.length }, (_, position) => {
    const index = new Array<number>(dims.length).fill(0);
    let rest = position;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      index[perm[axis] as number] = rest % (target[axis] as number);
      rest = Math.floor(rest / (target[axis] as number));
    }
    return values[index.reduce((at, place, axis) => at * (dims[axis] as number) + place, 0)] as number;
  });
}

test('every permutation of every shape, in words and half words, wherever the bytes start', () => {
  const cases = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }).chain((dims) =>
    fc.tuple(
      fc.constant(dims),
      fc.shuffledSubarray(
        dims.map((_, axis) => axis),
        { minLength: dims.length },
      ),
      fc.nat(7),
    ),
  );
  fc.assert(
    fc.property(cases, ([dims, perm, offset]) => {
      const count = dims.reduce((product, size) => product * size, 1);
      fc.pre(count <= 20_000);
      for (const dataType of ['DT_INT32', 'DT_UINT16'] as const) {
        const values = Array.from({ length: count }, (_, index) => index % 65536);
        const array = dataType === 'DT_INT32' ? new Int32Array(values) : new Uint16Array(values);
        const bytes = new Uint8Array(offset + array.byteLength).subarray(offset);
        bytes.set(new Uint8Array(array.buffer));
        const result = permuteConstant({ dataType, dims, content: { kind: 'raw', bytes } }, perm);
        assert.ok(result?.content.kind === 'raw');
        assert.deepEqual(
          result.dims,
          perm.map((axis) => dims[axis]),
        );
        const { buffer } = result.content.bytes;
        const actual = dataType === 'DT_INT32' ? new Int32Array(buffer) : new Uint16Array(buffer);
        assert.deepEqual([...actual], permuted(values, dims, perm));
      }
    }),
    { numRuns: 200 },
  );
});

test('other element sizes are left to ONNX Runtime', () => {
  const bytes = new Uint8Array(16);
  assert.equal(
    permuteConstant({ dataType: 'DT_DOUBLE', dims: [1, 2], content: { kind: 'raw', bytes } }, [1, 0]),
    undefined,
  );
});
