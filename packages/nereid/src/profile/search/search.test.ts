import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measurement } from '../measurement/measure.ts';
import { applyCandidate, type Candidate, candidateOf, restrictSpace, type SearchSpace } from './candidate.ts';
import { search } from './search.ts';

const SPACE: SearchSpace = {
  instances: [1, 2, 4],
  queueDelay: ['off', 0, 500],
  preferredBatchSizes: [[4], [8]],
  threads: ['shared', 1],
};
const START: Candidate = { instances: 1, queueDelay: 'off', preferredBatchSizes: [], threads: 'shared' };

function measurement(inferencesPerSecond: number, p99Micros: number, failures = 0): Measurement {
  return {
    inferencesPerSecond,
    latency: { averageMicros: p99Micros / 2, percentiles: new Map([[99, p99Micros]]) },
    server: { queueMicros: 0, computeInputMicros: 0, computeInferMicros: 0, computeOutputMicros: 0, batchSize: 1 },
    stable: true,
    requests: 100,
    failures,
    failure: undefined,
  };
}

/** Batching gains most, then two instances; delays cost latency. */
function model({ instances, queueDelay, threads }: Candidate): Measurement {
  const gain = queueDelay === 'off' ? 1 : queueDelay === 0 ? 3 : 4;
  const rate = 100 * gain * (instances === 2 ? 1.5 : 1) * (threads === 1 ? 1.01 : 1);
  return measurement(rate, 1_000 + (queueDelay === 'off' ? 0 : queueDelay * 2));
}

test('the search finds the best setting of each kind and measures nothing twice', async () => {
  const measured: string[] = [];
  const { best, trials } = await search({
    space: SPACE,
    start: START,
    latencyBudgetMicros: undefined,
    percentile: 99,
    measure: async (candidate) => {
      measured.push(JSON.stringify(candidate));
      return model(candidate);
    },
  });
  assert.deepEqual(best.candidate, { instances: 2, queueDelay: 500, preferredBatchSizes: [], threads: 'shared' });
  assert.equal(new Set(measured).size, measured.length);
  assert.equal(trials.length, measured.length);
});

test('a latency budget rules candidates out, and failures do', async () => {
  const options = { space: SPACE, start: START, percentile: 99 };
  const within = await search({ ...options, latencyBudgetMicros: 1_500, measure: async (each) => model(each) });
  assert.equal(within.best.candidate.queueDelay, 0);
  const failing = await search({
    ...options,
    latencyBudgetMicros: undefined,
    measure: async (each) => (each.queueDelay === 'off' ? model(each) : { ...model(each), failures: 1 }),
  });
  assert.equal(failing.best.candidate.queueDelay, 'off');
  const impossible = await search({ ...options, latencyBudgetMicros: 10, measure: async (each) => model(each) });
  assert.equal(impossible.best.measurement.latency.percentiles.get(99), 1_000);
});

test('a candidate changes its settings in a configuration and leaves the rest', () => {
  const config = {
    name: 'm',
    max_batch_size: 8,
    backend: 'onnxruntime',
    dynamic_batching: { preferred_batch_size: [4], max_queue_delay_microseconds: 100, preserve_ordering: true },
    instance_group: [{ count: 2 }, { count: 1 }],
    parameters: { intra_op_thread_count: { string_value: '3' }, other: { string_value: 'x' } },
  };
  assert.deepEqual(candidateOf(config), { instances: 3, queueDelay: 100, preferredBatchSizes: [4], threads: 3 });
  assert.deepEqual(
    applyCandidate(config, { instances: 1, queueDelay: 0, preferredBatchSizes: [], threads: 'shared' }, config),
    {
      name: 'm',
      max_batch_size: 8,
      backend: 'onnxruntime',
      dynamic_batching: { preferred_batch_size: [], max_queue_delay_microseconds: 0, preserve_ordering: true },
      instance_group: [{ count: 1, kind: 'KIND_CPU' }],
      parameters: { other: { string_value: 'x' } },
    },
  );
});

test('without batching the tensors are written out: what is left to the server comes with batching', () => {
  const tensors = { max_batch_size: 8, input: [{ name: 'I' }], output: [{ name: 'O' }] };
  const off = applyCandidate({ name: 'm', dynamic_batching: {} }, START, { ...tensors, dynamic_batching: {} });
  assert.deepEqual(off, { name: 'm', ...tensors, instance_group: [{ count: 1, kind: 'KIND_CPU' }], parameters: {} });
});

test('only what makes a difference for the model is tried', () => {
  assert.deepEqual(restrictSpace(SPACE, { max_batch_size: 4, backend: 'onnxruntime' }), {
    ...SPACE,
    preferredBatchSizes: [[4]],
  });
  const none = { instances: SPACE.instances, queueDelay: [], preferredBatchSizes: [], threads: [] };
  assert.deepEqual(restrictSpace(SPACE, { max_batch_size: 0, backend: 'dali' }), none);
  assert.deepEqual(restrictSpace(SPACE, { max_batch_size: 8, backend: 'dali', sequence_batching: {} }), none);
});
