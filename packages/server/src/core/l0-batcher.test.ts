import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toyModel } from './test-support/configs.ts';
import { countsOf } from './test-support/counts.ts';
import { makeRequest, send, startCore } from './test-support/harness.ts';
import { int32Tensor, readInt32, settled } from './test-support/toy-backend.ts';

// Counterparts of the cases of Triton's qa/L0_batcher, under their names: the same requests at the same times, the same executions and counts.

interface Sent {
  readonly atMs: number;
  /** Size of the request's batch. */
  readonly size: number;
  /** Elements of an item. */
  readonly length?: number;
  readonly outputs?: readonly string[];
}

interface BatcherCase {
  /** Inside of `dynamic_batching`. */
  readonly batching: string;
  readonly maxBatchSize?: number;
  readonly ragged?: boolean;
  /** TRITONSERVER_DELAY_SCHEDULER. */
  readonly startAfter?: number;
  readonly sends: readonly Sent[];
  /** When each execution began, in seconds, and its batch size. */
  readonly executions: readonly (readonly [number, number])[];
}

const DELAY_MS = 10_000;
const STEP_MS = 500;
const PREFERRED_2_6 = `preferred_batch_size: [ 2, 6 ] max_queue_delay_microseconds: ${DELAY_MS * 1000}`;
const PREFERRED_4_6 = 'preferred_batch_size: [ 4, 6 ]';
const ones = (count: number): Sent[] => Array.from({ length: count }, () => ({ atMs: 0, size: 1 }));
const both = (first: readonly string[], second: readonly string[]): BatcherCase => ({
  batching: PREFERRED_2_6,
  sends: [
    { atMs: 0, size: 1, outputs: first },
    { atMs: 0, size: 1, outputs: second },
  ],
  executions: [[0, 2]],
});

const CASES: Readonly<Record<string, BatcherCase>> = {
  test_static_batch_preferred: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 2 },
      { atMs: 0, size: 6 },
    ],
    executions: [
      [0, 2],
      [0, 6],
    ],
  },
  test_static_batch_lt_any_preferred: {
    batching: PREFERRED_2_6,
    sends: [{ atMs: 0, size: 1 }],
    executions: [[10, 1]],
  },
  test_static_batch_not_preferred: {
    batching: PREFERRED_2_6,
    sends: [{ atMs: 0, size: 3 }],
    executions: [[10, 3]],
  },
  test_static_batch_gt_max_preferred: {
    batching: PREFERRED_2_6,
    sends: [{ atMs: 0, size: 7 }],
    executions: [[0, 7]],
  },
  test_multi_batch_different_shape_allow_ragged: {
    batching: PREFERRED_2_6,
    ragged: true,
    sends: [
      { atMs: 0, size: 1, length: 16 },
      { atMs: 0, size: 1, length: 8 },
    ],
    executions: [[0, 2]],
  },
  test_multi_batch_different_shape: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 1, length: 16 },
      { atMs: 1000, size: 1, length: 8 },
    ],
    executions: [
      [1, 1],
      [11, 1],
    ],
  },
  test_multi_batch_not_preferred: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 1 },
      { atMs: 1000, size: 3 },
    ],
    executions: [[10, 4]],
  },
  test_multi_batch_not_preferred_different_shape: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 1 },
      { atMs: 0, size: 3 },
      { atMs: 1000, size: 1, length: 8 },
    ],
    executions: [
      [1, 4],
      [11, 1],
    ],
  },
  test_multi_batch_preferred_different_shape: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 1 },
      { atMs: 0, size: 3 },
      { atMs: 1000, size: 1, length: 8 },
      { atMs: 1000, size: 5, length: 8 },
    ],
    executions: [
      [1, 4],
      [1, 6],
    ],
  },
  test_multi_batch_gt_max_preferred: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 3 },
      { atMs: 1000, size: 7 },
    ],
    executions: [
      [1, 3],
      [1, 7],
    ],
  },
  test_multi_batch_sum_gt_max_preferred: {
    batching: PREFERRED_2_6,
    sends: [
      { atMs: 0, size: 3 },
      { atMs: 1000, size: 4 },
    ],
    executions: [
      [1, 3],
      [11, 4],
    ],
  },
  test_multi_same_output0: both(['OUTPUT0'], ['OUTPUT0']),
  test_multi_same_output1: both(['OUTPUT1'], ['OUTPUT1']),
  test_multi_different_outputs: both(['OUTPUT0'], ['OUTPUT1']),
  test_multi_different_output_order: both(['OUTPUT0', 'OUTPUT1'], ['OUTPUT1', 'OUTPUT0']),
  test_multi_batch_delayed_sum_gt_max_preferred: {
    batching: PREFERRED_2_6,
    startAfter: 2,
    sends: [
      { atMs: 0, size: 3 },
      { atMs: 1000, size: 4 },
    ],
    executions: [
      [1, 3],
      [11, 4],
    ],
  },
  test_multi_batch_delayed_use_max_batch: {
    batching: PREFERRED_2_6,
    startAfter: 3,
    sends: [
      { atMs: 0, size: 3 },
      { atMs: 0, size: 4 },
      { atMs: 11_000, size: 1 },
    ],
    executions: [[11, 8]],
  },
  test_multi_batch_delayed_preferred_different_shape: {
    batching: PREFERRED_2_6,
    startAfter: 4,
    sends: [
      { atMs: 0, size: 1 },
      { atMs: 0, size: 3 },
      { atMs: 1000, size: 1, length: 8 },
      { atMs: 1000, size: 5, length: 8 },
    ],
    executions: [
      [1, 4],
      [1, 6],
    ],
  },
  test_multi_batch_use_biggest_preferred: {
    batching: PREFERRED_2_6,
    startAfter: 6,
    sends: ones(6),
    executions: [[0, 6]],
  },
  test_multi_batch_use_best_preferred: {
    batching: PREFERRED_2_6,
    startAfter: 3,
    sends: [...ones(2), { atMs: 1000, size: 1 }],
    executions: [
      [1, 2],
      [11, 1],
    ],
  },
  test_multi_batch_preserve_ordering: {
    batching: 'preferred_batch_size: [ 4 ] preserve_ordering: true',
    maxBatchSize: 4,
    startAfter: 12,
    sends: ones(12),
    executions: [
      [0, 4],
      [0, 4],
      [0, 4],
    ],
  },
  test_preferred_batch_only_aligned: {
    batching: PREFERRED_4_6,
    startAfter: 4,
    sends: ones(4),
    executions: [[0, 4]],
  },
  test_preferred_batch_only_unaligned: {
    batching: PREFERRED_4_6,
    startAfter: 5,
    sends: ones(5),
    executions: [
      [0, 4],
      [0, 1],
    ],
  },
  test_preferred_batch_only_use_biggest_preferred: {
    batching: PREFERRED_4_6,
    startAfter: 7,
    sends: ones(7),
    executions: [
      [0, 6],
      [0, 1],
    ],
  },
  test_preferred_batch_only_use_no_preferred_size: {
    batching: PREFERRED_4_6,
    startAfter: 3,
    sends: ones(3),
    executions: [[0, 3]],
  },
  test_max_queue_delay_only_non_default: {
    batching: `max_queue_delay_microseconds: ${DELAY_MS * 1000}`,
    maxBatchSize: 32,
    sends: ones(12),
    executions: [[10, 12]],
  },
};

function config({ batching, maxBatchSize = 8, ragged = false }: BatcherCase): string {
  const input = (name: string) =>
    `input { name: "${name}" data_type: TYPE_INT32 dims: [ -1 ] ${ragged ? 'allow_ragged_batch: true' : ''} }`;
  return `
name: "m" backend: "toy" max_batch_size: ${maxBatchSize}
${input('INPUT0')} ${input('INPUT1')}
output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ -1 ] } output { name: "OUTPUT1" data_type: TYPE_INT32 dims: [ -1 ] }
instance_group { count: 1 kind: KIND_CPU }
parameters { key: "behaviour" value { string_value: "add_sub" } }
dynamic_batching { ${batching} }`;
}

for (const [name, each] of Object.entries(CASES)) {
  test(`L0_batcher ${name}`, async () => {
    const environment = each.startAfter === undefined ? {} : { TRITONSERVER_DELAY_SCHEDULER: String(each.startAfter) };
    const { core, backend, clock } = await startCore([config(each)], { environment });
    const executions: [number, number][] = [];
    let nowMs = 0;
    const look = () => {
      for (const { batchSize } of backend.executions.slice(executions.length))
        executions.push([nowMs / 1000, batchSize]);
    };
    const advanceTo = (ms: number) => {
      for (; nowMs < ms; look()) {
        nowMs += STEP_MS;
        clock.advanceMs(STEP_MS);
      }
    };
    const answers = [];
    for (const [index, { atMs, size, length = 16, outputs = [] }] of each.sends.entries()) {
      advanceTo(atMs);
      const values = Array.from({ length: size * length }, (_, position) => 10 * index + position);
      const tensors = ['INPUT0', 'INPUT1'].map((input) => int32Tensor(input, [size, length], values));
      const request = makeRequest('m', tensors, { requestedOutputs: outputs });
      answers.push({ values, outputs, answer: send(core, request) });
      // One request a turn of the event loop: nothing is put off to the end of a busy turn.
      await settled();
      look();
    }
    advanceTo(2 * DELAY_MS + STEP_MS);
    assert.deepEqual(executions, each.executions);
    for (const { values, outputs, answer } of answers) {
      const sum = values.map((value) => 2 * value);
      const difference = values.map(() => 0);
      const expected = outputs.length === 0 ? ['OUTPUT0', 'OUTPUT1'] : outputs;
      assert.equal(answer.finals, 1);
      assert.deepEqual(
        new Map(answer.responses[0]?.outputs.map((tensor) => [tensor.name, readInt32(tensor)])),
        new Map(expected.map((output) => [output, output === 'OUTPUT0' ? sum : difference])),
      );
    }
    const bySize: Record<number, number> = {};
    for (const [, size] of each.executions) bySize[size] = (bySize[size] ?? 0) + 1;
    assert.deepEqual(countsOf(core, 'm'), {
      requests: each.sends.length,
      inferences: each.sends.reduce((total, { size }) => total + size, 0),
      executions: each.executions.length,
      bySize,
    });
  });
}

test('L0_batcher test_max_queue_delay_only_default', async () => {
  const { core, backend } = await startCore([
    toyModel('m', { hold: true, maxBatchSize: 32, more: 'dynamic_batching { }' }),
  ]);
  const answers = Array.from({ length: 12 }, (_, index) =>
    send(core, makeRequest('m', [int32Tensor('INPUT0', [1, 1], [index])])),
  );
  await backend.releaseAll();
  assert.deepEqual(
    answers.map(({ responses }) => readInt32(responses[0]!.outputs[0]!)),
    answers.map((_, index) => [index]),
  );
  assert.deepEqual(countsOf(core, 'm'), { requests: 12, inferences: 12, executions: 2, bySize: { 1: 1, 11: 1 } });
});
