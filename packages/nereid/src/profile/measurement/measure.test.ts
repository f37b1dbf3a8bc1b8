import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Sample } from '../load/target.ts';
import { summarizeLatencies } from './latency.ts';
import { type MeasurementOptions, measure } from './measure.ts';
import type { ServerCounters } from './server-statistics.ts';
import { isStable } from './stability.ts';

const OPTIONS: MeasurementOptions = {
  windowMs: 100,
  stabilityPercentage: 10,
  maxTrials: 6,
  batchSize: 2,
  minRequests: 2,
};
const NO_COUNTERS: ServerCounters = {
  inferences: 0,
  executions: 0,
  requests: 0,
  failures: 0,
  queueNs: 0,
  computeInputNs: 0,
  computeInferNs: 0,
  computeOutputNs: 0,
};

/** A load whose windows see these latencies in milliseconds; `undefined` stands for a failure. */
function scripted(windows: readonly (readonly (number | undefined)[])[]) {
  let next = -1;
  let requests = 0;
  const trials: number[] = [];
  const context = {
    load: {
      drain: (): Sample[] =>
        (windows[next++] ?? []).map((ms) => ({
          startMs: 0,
          endMs: ms ?? 0,
          error: ms === undefined ? 'full' : undefined,
        })),
      stop: async () => {},
    },
    counters: async () => {
      requests += 4;
      return { ...NO_COUNTERS, requests, inferences: 2 * requests, executions: requests / 2, queueNs: 8000 * requests };
    },
    pause: async () => {},
    onWindow: (_: unknown, trial: number) => trials.push(trial),
  };
  return { context, trials };
}

test('percentiles are nearest-rank', () => {
  const { averageMicros, percentiles } = summarizeLatencies(
    Array.from({ length: 100 }, (_, index) => index + 1),
    [50, 90, 99, 99.9],
  );
  assert.equal(averageMicros, 50.5);
  assert.deepEqual([...percentiles.values()], [50, 90, 99, 100]);
  assert.ok(Number.isNaN(summarizeLatencies([], [50]).percentiles.get(50)));
});

test('property: a percentile is a latency that at least that share does not exceed, and the smallest such', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 100 }),
      (all, p) => {
        const value = summarizeLatencies(all, [p]).percentiles.get(p)!;
        assert.ok(all.includes(value));
        assert.ok(all.filter((each) => each <= value).length >= (p / 100) * all.length);
        assert.ok(all.filter((each) => each < value).length < (p / 100) * all.length);
      },
    ),
  );
});

test('three windows within the percentage are stable, in throughput and in latency', () => {
  const window = (inferencesPerSecond: number, latencyMicros: number) => ({ inferencesPerSecond, latencyMicros });
  assert.equal(isStable([window(100, 10), window(105, 10)], 10), false);
  assert.equal(isStable([window(100, 10), window(105, 10), window(110, 11)], 10), true);
  assert.equal(isStable([window(100, 10), window(105, 10), window(111, 10)], 10), false);
  assert.equal(isStable([window(100, 10), window(100, 10), window(100, 12)], 10), false);
  assert.equal(isStable([window(1, 99), window(100, 10), window(100, 10), window(100, 10)], 10), true);
  assert.equal(isStable([window(0, 10), window(0, 10), window(0, 10)], 10), false);
});

test('windows go on until three agree; those three are the result', async () => {
  const { context, trials } = scripted([
    [100, 100],
    [50, 50],
    [10, 10],
    [10, 10],
    [10, 10],
    [1, 1],
  ]);
  const result = await measure(context, { ...OPTIONS, stabilityPercentage: 1e9 });
  assert.deepEqual(trials, [1, 2, 3]);
  assert.equal(result.latency.averageMicros, (2 * (100_000 + 50_000 + 10_000)) / 6);
  assert.equal(result.requests, 6);
  assert.equal(result.stable, true);
  assert.deepEqual(result.server, {
    queueMicros: 8,
    computeInputMicros: 0,
    computeInferMicros: 0,
    computeOutputMicros: 0,
    batchSize: 4,
  });
});

test('without agreement the last three are reported as unstable', async () => {
  const { context, trials } = scripted([[], [1, 1], [9, 9], [1, 1], [9, 9], [1, 1], [9, 9], [1, 1]]);
  const result = await measure(context, OPTIONS);
  assert.equal(trials.length, 6);
  assert.equal(result.stable, false);
});

test('failures are counted apart, and a window without any answer is an error', async () => {
  const { context } = scripted([[], [5, undefined], [5, undefined], [5, 5]]);
  const result = await measure(context, { ...OPTIONS, maxTrials: 3 });
  assert.deepEqual([result.requests, result.failures, result.failure], [4, 2, 'full']);
  await assert.rejects(measure(scripted([]).context, OPTIONS), /no request was answered within/);
});
