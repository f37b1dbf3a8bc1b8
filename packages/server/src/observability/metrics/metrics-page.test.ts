import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatisticsRecorder } from '../statistics-recorder.ts';
import { StepRecorder } from '../step-recorder.ts';
import { MetricsPage } from './metrics-page.ts';
import type { ModelMetricsSource } from './model-metrics.ts';

function source(name: string, more: Partial<ModelMetricsSource> = {}): ModelMetricsSource {
  const recorder = new StatisticsRecorder(name, 1, () => 0);
  const times = {
    batchSize: 4,
    requestNs: 5_999,
    queueNs: 1_000,
    computeInputNs: 1_000,
    computeInferNs: 2_000,
    computeOutputNs: 500,
  };
  recorder.recordSuccess(times);
  recorder.recordExecution(4, 1, 2);
  recorder.recordFailure('REJECTED', 10);
  return {
    statistics: recorder.snapshot(),
    failures: recorder.failures,
    pendingCount: 3,
    loadSeconds: 0.25,
    usesCache: false,
    namespace: undefined,
    tags: {},
    steps: [],
    ...more,
  };
}

const page = new MetricsPage({ cpuMetrics: false });

test('a model has the families of Triton, failures with all four reasons', () => {
  const text = page.render([source('m')], undefined);
  for (const line of [
    '# HELP nv_inference_request_success Number of successful inference requests, all batch sizes',
    '# TYPE nv_inference_request_success counter',
    'nv_inference_request_success{model="m",version="1"} 1',
    'nv_inference_request_failure{model="m",reason="OTHER",version="1"} 0',
    'nv_inference_request_failure{model="m",reason="BACKEND",version="1"} 0',
    'nv_inference_request_failure{model="m",reason="CANCELED",version="1"} 0',
    'nv_inference_request_failure{model="m",reason="REJECTED",version="1"} 1',
    'nv_inference_count{model="m",version="1"} 4',
    'nv_inference_exec_count{model="m",version="1"} 1',
    'nv_inference_request_duration_us{model="m",version="1"} 5',
    'nv_inference_compute_output_duration_us{model="m",version="1"} 0',
    '# TYPE nv_inference_pending_request_count gauge',
    'nv_inference_pending_request_count{model="m",version="1"} 3',
    'nv_model_load_duration_secs{model="m",version="1"} 0.25',
    'nv_pinned_memory_pool_total_bytes 0',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.ok(!text.includes('nv_cache'));
  assert.ok(!text.includes('nv_cpu'));
});

test('labels are sorted, tags marked, and no name or tag can forge a line', () => {
  const name = 'm"} 1\nforged{x="\\';
  const tags = { team: 'a"b', 'bad-name': 'x', 'x="1",y': 'z' };
  const text = page.render([source(name, { tags, namespace: '/models' })], undefined);
  assert.ok(
    text.includes(
      'nv_inference_count{_team="a\\"b",model="m\\"} 1\\nforged{x=\\"\\\\",namespace="/models",version="1"} 4\n',
    ),
  );
  assert.ok(text.split('\n').every((line) => line === '' || /^(# (HELP|TYPE) )?(nv|nereid)_/.test(line)));
});

test('latencies can be left out; a page without models has none of their families', () => {
  const without = new MetricsPage({ cpuMetrics: false, counterLatencies: false }).render([source('m')], undefined);
  assert.ok(!without.includes('duration_us'));
  assert.ok(!page.render([], undefined).includes('nv_inference'));
});

test('the cache has gauges, and counters for the models that use it', () => {
  const cache = {
    maxBytes: 1000,
    bytes: 250,
    entries: 2,
    hits: 3,
    misses: 4,
    lookups: 7,
    evictions: 1,
    lookupNs: 9_999,
    insertNs: 5_000,
  };
  const text = page.render([source('m', { usesCache: true }), source('n')], cache);
  assert.ok(text.includes('nv_cache_util 0.25\n'));
  assert.ok(text.includes('nv_cache_lookup_duration 9\n'));
  assert.ok(text.includes('nv_cache_num_hits_per_model{model="m",version="1"} 0\n'));
  assert.ok(!text.includes('nv_cache_num_hits_per_model{model="n"'));
});

test('processor and memory of the machine are in range', () => {
  const text = new MetricsPage({ intervalMs: 0 }).render([], undefined);
  const value = (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  assert.ok(value('nv_cpu_utilization') >= 0 && value('nv_cpu_utilization') <= 1);
  assert.ok(value('nv_cpu_memory_used_bytes') > 0);
  assert.ok(value('nv_cpu_memory_used_bytes') < value('nv_cpu_memory_total_bytes'));
});

test('steps of an ensemble have families of their own, with times and reasons', () => {
  const recorder = new StepRecorder(1, 'a"\n');
  const sums = { inputNs: 0, inferNs: 0, outputNs: 0 };
  const account = recorder.account(sums);
  account.succeeded({
    requestNs: 9_000,
    queueNs: 4_500,
    computeInputNs: 1_000,
    computeInferNs: 2_000,
    computeOutputNs: 900,
  });
  account.failed('CANCELED');
  recorder.skipped();
  assert.deepEqual(sums, { inputNs: 1_000, inferNs: 2_000, outputNs: 900 });
  const text = page.render([source('e', { steps: [recorder] }), source('m')], undefined);
  const labels = 'model="e",version="1",step="1",step_model="a\\"\\n"';
  for (const line of [
    `nereid_ensemble_step_success{${labels}} 1`,
    `nereid_ensemble_step_skipped{${labels}} 1`,
    `nereid_ensemble_step_duration_us{${labels}} 9`,
    `nereid_ensemble_step_queue_duration_us{${labels}} 4`,
    `nereid_ensemble_step_compute_infer_duration_us{${labels}} 2`,
    'nereid_ensemble_step_failure{model="e",reason="CANCELED",version="1",step="1",step_model="a\\"\\n"} 1',
    'nereid_ensemble_step_failure{model="e",reason="REJECTED",version="1",step="1",step_model="a\\"\\n"} 0',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.ok(
    !new MetricsPage({ cpuMetrics: false, counterLatencies: false })
      .render([source('e', { steps: [recorder] })], undefined)
      .includes('step_duration'),
  );
});

test('the event loop: its delay by quantile and how busy it is', async () => {
  const own = new MetricsPage({ cpuMetrics: false, intervalMs: 0 });
  own.render([], undefined);
  const blockedUntil = performance.now() + 100;
  // Nothing else runs meanwhile: that is the delay.
  await new Promise<void>((resolve) => setTimeout(resolve, 30));
  while (performance.now() < blockedUntil);
  await new Promise<void>((resolve) => setTimeout(resolve, 30));
  const text = own.render([], undefined);
  const delay = Number(/^nereid_event_loop_delay_seconds\{quantile="1"\} (\S+)$/m.exec(text)?.[1]);
  assert.ok(delay > 0.01 && delay < 60, `${delay} s`);
  const utilization = Number(/^nereid_event_loop_utilization (\S+)$/m.exec(text)?.[1]);
  assert.ok(utilization > 0 && utilization <= 1);
});
