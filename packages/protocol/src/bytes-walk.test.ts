import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BytesWalk, encodeBytesElements } from './index.ts';

function walk(data: Uint8Array): { count: number; end: number; steps: number } {
  const found = new BytesWalk(data);
  let steps = 1;
  while (!found.step()) steps++;
  return { count: found.count, end: found.end, steps };
}

test('every element is counted, in bounded steps', () => {
  const data = encodeBytesElements(Array.from({ length: 100_000 }, () => 'a'));
  const { count, end, steps } = walk(data);
  assert.deepEqual([count, end], [100_000, data.byteLength]);
  assert.ok(steps >= 100_000 / 16_384);
  assert.deepEqual(walk(new Uint8Array(0)), { count: 0, end: 0, steps: 1 });
});

test('the walk ends in front of what is cut off', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: 1 }), fc.nat(), (elements, cut) => {
      const data = encodeBytesElements(elements);
      const length = cut % data.byteLength;
      let count = 0;
      let end = 0;
      while (count < elements.length && end + 4 + elements[count]!.length <= length) {
        end += 4 + elements[count++]!.length;
      }
      const found = walk(data.subarray(0, length));
      assert.deepEqual([found.count, found.end], [count, end]);
    }),
  );
});
