import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitBatch } from './split.ts';

const loads = fc.array(fc.record({ sampleCount: fc.nat(9), sampleBytes: fc.nat(1000) }), { maxLength: 12 });

test('every sample goes to one thread, in order', () => {
  fc.assert(
    fc.property(loads, fc.integer({ min: 1, max: 6 }), fc.boolean(), (requests, threads, whole) => {
      const shares = splitBatch(requests, threads, whole);
      assert.ok(shares.length <= threads);
      const next = requests.map(() => 0);
      for (const { request, from, to } of shares.flat()) {
        assert.equal(from, next[request]);
        assert.ok(to > from);
        if (whole) assert.deepEqual([from, to], [0, requests[request]!.sampleCount]);
        next[request] = to;
      }
      assert.deepEqual(
        next,
        requests.map((load) => load.sampleCount),
      );
    }),
  );
});

test('threads get about the same number of bytes', () => {
  const equal = Array.from({ length: 8 }, () => ({ sampleCount: 1, sampleBytes: 100 }));
  assert.deepEqual(
    splitBatch(equal, 2, false).map((share) => share.length),
    [4, 4],
  );
  assert.deepEqual(
    splitBatch(equal, 3, true).map((share) => share.length),
    [3, 3, 2],
  );
  assert.deepEqual(splitBatch([{ sampleCount: 8, sampleBytes: 10 }], 2, false), [
    [{ request: 0, from: 0, to: 4 }],
    [{ request: 0, from: 4, to: 8 }],
  ]);
  const mixed = [
    { sampleCount: 1, sampleBytes: 900 },
    ...Array.from({ length: 9 }, () => ({ sampleCount: 1, sampleBytes: 100 })),
  ];
  assert.deepEqual(
    splitBatch(mixed, 2, false).map((share) => share.length),
    [1, 9],
  );
});
