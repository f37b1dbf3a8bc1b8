import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TestRequest, testSignature } from '../test-support/fixtures.ts';
import { type BatchDecision, formBatch } from './batch-former.ts';
import { batchCompatibility } from './compatibility.ts';
import { makePolicy } from './policy.ts';

const MS = 1e6;

/** Batch sizes -> a queue, all waiting since 0. */
function queueOf(sizes: readonly number[], length = 1) {
  const requests = sizes.map((batchSize) => new TestRequest({ batchSize, length }));
  return viewOf(requests);
}

function viewOf(requests: readonly TestRequest[]) {
  const waiting = requests.map((request) => ({ request, sinceNs: 0 }));
  return { at: (index: number) => waiting[index] };
}

function decide(sizes: readonly number[], policy: Partial<Parameters<typeof makePolicy>[0]>, nowNs = 0): BatchDecision {
  return formBatch(queueOf(sizes), nowNs, makePolicy({ maxBatchSize: 8, preferredSizes: [8], ...policy }), undefined);
}

/** Batches a queue is cut into when an instance is always idle and nothing new arrives. */
function batches(sizes: readonly number[], policy: Partial<Parameters<typeof makePolicy>[0]>): number[] {
  const result: number[] = [];
  let rest = [...sizes];
  while (rest.length > 0) {
    const decision = decide(rest, policy);
    assert.equal(decision.kind, 'send');
    if (decision.kind !== 'send') break;
    result.push(decision.batchSize);
    rest = rest.slice(decision.count);
  }
  return result;
}

test('without a delay whatever waits goes at once, up to the limit, never split', () => {
  assert.deepEqual(decide([], {}), { kind: 'empty' });
  assert.deepEqual(batches([3, 3, 3], {}), [6, 3]);
  assert.deepEqual(batches([2, 6], {}), [8]);
  assert.deepEqual(batches([8, 1], {}), [8, 1]);
  assert.deepEqual(batches([1, 1, 1, 1, 1, 1, 1, 1, 1], {}), [8, 1]);
});

test('the largest preferred size that fits goes first', () => {
  assert.deepEqual(batches([1, 1, 1, 1, 1, 1], { preferredSizes: [4] }), [4, 2]);
  assert.deepEqual(batches([1, 1, 1, 1, 1], { preferredSizes: [4, 6] }), [4, 1]);
  assert.deepEqual(batches([1, 1, 1, 1, 1, 1, 1], { preferredSizes: [4, 6] }), [6, 1]);
  assert.deepEqual(batches([3, 3], { preferredSizes: [4, 6] }), [6]);
  assert.deepEqual(batches([1, 1, 1], { preferredSizes: [1] }), [1, 1, 1]);
});

test('a batch that would pass the largest preferred size stops before it', () => {
  assert.deepEqual(batches([3, 3, 1, 2, 2], { preferredSizes: [4] }), [3, 4, 4]);
  assert.deepEqual(batches([5, 1, 3], { preferredSizes: [4] }), [5, 4]);
  assert.deepEqual(batches([1, 6, 1], { preferredSizes: [4] }), [1, 6, 1]);
});

test('with a delay a batch waits for the oldest request, unless it is preferred or cannot grow', () => {
  const maxDelayNs = 500 * MS;
  assert.deepEqual(decide([1, 1], { maxDelayNs }, 100 * MS), { kind: 'wait', untilNs: 500 * MS });
  assert.deepEqual(decide([1, 1], { maxDelayNs }, 500 * MS), { kind: 'send', count: 2, batchSize: 2 });
  assert.deepEqual(decide([1, 1, 1, 1, 1], { maxDelayNs, preferredSizes: [2, 6] }), {
    kind: 'send',
    count: 2,
    batchSize: 2,
  });
  assert.deepEqual(decide([1], { maxDelayNs, preferredSizes: [2, 6] }), { kind: 'wait', untilNs: 500 * MS });
  assert.deepEqual(decide([5, 4], { maxDelayNs }), { kind: 'send', count: 1, batchSize: 5 });
  assert.deepEqual(decide([6], { maxDelayNs, preferredSizes: [4] }), { kind: 'send', count: 1, batchSize: 6 });
});

test('requests of other shapes end a batch, ragged inputs do not', () => {
  const requests = [2, 2, 3].map((length) => new TestRequest({ length }));
  const queue = viewOf(requests);
  const policy = makePolicy({ maxBatchSize: 8, maxDelayNs: 1000 * MS });
  const equal = batchCompatibility(testSignature({ dims: [-1] }));
  assert.deepEqual(formBatch(queue, 0, policy, equal), { kind: 'send', count: 2, batchSize: 2 });
  assert.equal(batchCompatibility(testSignature({ dims: [-1], allowRaggedBatch: true })), undefined);
  assert.equal(batchCompatibility(testSignature({ dims: [4] })), undefined);
});

test('with optional inputs only requests that give the same ones share a batch', () => {
  const signature = testSignature();
  const second = { ...signature.inputs[0]!, name: 'MORE', optional: true };
  const compatible = batchCompatibility({ ...signature, inputs: [...signature.inputs, second] });
  const given = (names: number): TestRequest => {
    const request = new TestRequest();
    const inputs = Array.from({ length: 2 }, (_, index) => (index < names ? request.inputs[0] : undefined));
    return Object.assign(request, { inputs });
  };
  const policy = makePolicy({ maxBatchSize: 8 });
  const counts = [
    [1, 1, 2],
    [2, 1],
    [2, 2, 2],
  ].map((names) => formBatch(viewOf(names.map(given)), 0, policy, compatible));
  assert.deepEqual(
    counts.map((decision) => (decision.kind === 'send' ? decision.count : 0)),
    [2, 1, 3],
  );
});

test('property: a decision to send never splits, never passes the limit and, without a delay, never leaves an idle instance waiting', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 20 });
  const preferred = fc.uniqueArray(fc.integer({ min: 1, max: 16 }), { maxLength: 4 });
  fc.assert(
    fc.property(
      sizes,
      preferred,
      fc.boolean(),
      fc.integer({ min: 0, max: 2000 }),
      (queue, preferredSizes, delayed, nowMs) => {
        const maxDelayNs = delayed ? 1000 * MS : 0;
        const policy = makePolicy({ maxBatchSize: 16, preferredSizes, maxDelayNs });
        const decision = formBatch(queueOf(queue), nowMs * MS, policy, undefined);
        if (decision.kind === 'wait') {
          assert.ok(delayed && nowMs < 1000 && decision.untilNs === 1000 * MS);
          return;
        }
        assert.ok(decision.kind === 'send' && decision.count >= 1);
        const sum = queue.slice(0, decision.count).reduce((total, size) => total + size, 0);
        assert.equal(sum, decision.batchSize);
        assert.ok(decision.count === 1 || sum <= 16);
      },
    ),
  );
});
