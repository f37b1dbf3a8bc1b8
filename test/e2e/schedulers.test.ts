import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeModel } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

// What flags, environment and configuration promise of schedulers, on servers as they are started.

const config = (name: string, more: string) => `
name: "${name}" backend: "identity" max_batch_size: 4
input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] } output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
${more}`;
const instance = (limiter: string) =>
  `instance_group { count: 1 kind: KIND_CPU rate_limiter { resources [ ${limiter} ] } }`;
const sample = (name: string, more: string, data: string) => `model_warmup {
  name: "${name}" ${more} inputs { key: "INPUT0" value: { data_type: TYPE_INT32 dims: [ 2 ] ${data} } }
}`;

const MODELS: Readonly<Record<string, string>> = {
  cached: 'response_cache { enable: true }',
  modest: instance('{ name: "R" count: 1 }'),
  greedy: instance('{ name: "R" count: 2 }'),
  unlisted: instance('{ name: "S" count: 1 }'),
  gpu: 'instance_group { count: 1 kind: KIND_GPU }',
  sequences: 'sequence_batching { max_sequence_idle_microseconds: 60000000 direct { } }',
  warm: [
    sample('zeros', 'batch_size: 1', 'zero_data: true'),
    sample('noise', 'batch_size: 2 count: 3', 'random_data: true'),
    sample('file', 'batch_size: 4', 'input_data_file: "two"'),
    sample('none', 'batch_size: 0', 'input_data_file: "missing"'),
  ].join(' '),
  cold: sample('short', 'batch_size: 1', 'input_data_file: "short"'),
};

const root = mkdtempSync(join(tmpdir(), 'nereid-schedulers-'));
const batcherRoot = mkdtempSync(join(tmpdir(), 'nereid-batcher-'));
let server: RunningServer;

before(async () => {
  for (const [name, more] of Object.entries(MODELS)) {
    writeModel(root, name, { 'config.pbtxt': config(name, more), '1/.keep': '' });
  }
  writeModel(root, 'warm', { 'warmup/two': new Uint8Array(8) });
  writeModel(root, 'cold', { 'warmup/short': new Uint8Array(7) });
  writeModel(batcherRoot, 'm', { 'config.pbtxt': config('m', 'dynamic_batching { }'), '1/.keep': '' });
  server = await startTestServer([
    `--model-repository=${root}`,
    '--exit-on-error=false',
    '--cache-config=local,size=1048576',
    '--rate-limit=execution_count',
    '--rate-limit-resource=R:1',
  ]);
});

after(async () => {
  const exitCode = await server.stop();
  rmSync(root, { recursive: true, force: true });
  rmSync(batcherRoot, { recursive: true, force: true });
  assert.equal(exitCode, 0, server.log());
});

async function infer(url: string, model: string, parameters: object = {}, data = [1, 2]) {
  const inputs = [{ name: 'INPUT0', shape: [data.length / 2, 2], datatype: 'INT32', data }];
  const response = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ parameters, inputs }),
  });
  const body = (await response.json()) as { error?: string; outputs?: { data: number[] }[] };
  return { status: response.status, error: body.error, data: body.outputs?.[0]?.data };
}

interface Statistics {
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<string, { readonly count: number }>>;
  readonly batch_stats: readonly { readonly batch_size: number; readonly compute_infer: { readonly count: number } }[];
}

async function statistics(url: string, model: string): Promise<Statistics> {
  const response = await fetch(`${url}/v2/models/${model}/stats`);
  return ((await response.json()) as { model_stats: Statistics[] }).model_stats[0]!;
}

const executions = ({ batch_stats }: Statistics) =>
  Object.fromEntries(batch_stats.map((each) => [each.batch_size, each.compute_infer.count]));

async function failureOfLoad(model: string): Promise<string> {
  const response = await fetch(`${server.httpUrl}/v2/repository/index`, { method: 'POST' });
  const index = (await response.json()) as { name: string; state: string; reason: string }[];
  const entry = index.find(({ name }) => name === model);
  assert.equal(entry?.state, 'UNAVAILABLE');
  return entry.reason;
}

test('resources of the rate limiter: what can never be had fails the load, what can be is served', async () => {
  const limited = (name: string, limit: number, count: number) =>
    `Resource count for "${name}" is limited to ${limit} which will prevent scheduling of one or more model instances, the minimum required count is ${count}`;
  assert.ok((await failureOfLoad('greedy')).endsWith(limited('R', 1, 2)));
  assert.ok((await failureOfLoad('unlisted')).endsWith(limited('S', 0, 1)));
  const answers = await Promise.all(Array.from({ length: 8 }, () => infer(server.httpUrl, 'modest')));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
});

test('instances on a GPU fail the load in the words of Triton', async () => {
  assert.match(
    await failureOfLoad('gpu'),
    /instance group gpu_0 of model gpu has kind KIND_GPU but server does not support GPUs$/,
  );
});

test('warm-up: zeros, random values and files run as often as asked, before the model is ready', async () => {
  const { inference_count, ...rest } = await statistics(server.httpUrl, 'warm');
  assert.deepEqual(executions({ inference_count, ...rest }), { 1: 1, 2: 3, 4: 1 });
  assert.equal(inference_count, 1 + 2 * 3 + 4);
  assert.match(
    await failureOfLoad('cold'),
    /warmup setting expects 8 bytes, but the data provided from shortonly has 7 bytes$/,
  );
});

test('the response cache tells requests apart by what they ask, not by who asks', async () => {
  const url = server.httpUrl;
  await infer(url, 'cached', {}, [1, 2]);
  assert.deepEqual((await infer(url, 'cached', { mine: 1 }, [1, 2])).data, [1, 2]);
  assert.deepEqual((await infer(url, 'cached', {}, [1, 2, 3, 4])).data, [1, 2, 3, 4]);
  const { execution_count, inference_stats } = await statistics(url, 'cached');
  assert.deepEqual(
    [execution_count, inference_stats['cache_hit']?.count, inference_stats['cache_miss']?.count],
    [2, 1, 2],
  );
});

test('ids of sequences are numbers or texts, and 3 is not "3"', async () => {
  const url = server.httpUrl;
  const one = (sequence_id: number | string, sequence_start = false, sequence_end = false) =>
    infer(url, 'sequences', { sequence_id, sequence_start, sequence_end });
  assert.equal((await one(3, true)).status, 200);
  assert.deepEqual(await one('3'), {
    status: 400,
    error:
      "inference request for sequence 3 to model 'sequences' must specify the START flag on the first request of the sequence",
    data: undefined,
  });
  assert.equal((await one('3', true)).status, 200);
  for (const id of [3, '3']) assert.equal((await one(id, false, true)).status, 200);
  assert.equal((await one(0, true)).status, 400);
});

test('TRITONSERVER_DELAY_SCHEDULER holds a batcher back until so many requests wait', async () => {
  const held = await startTestServer([`--model-repository=${batcherRoot}`], { TRITONSERVER_DELAY_SCHEDULER: '4' });
  try {
    const answers = await Promise.all([1, 2, 3, 4].map((value) => infer(held.httpUrl, 'm', {}, [value, value])));
    assert.deepEqual(
      answers.map(({ data }) => data),
      [1, 2, 3, 4].map((value) => [value, value]),
    );
    assert.deepEqual(executions(await statistics(held.httpUrl, 'm')), { 4: 1 });
  } finally {
    assert.equal(await held.stop(), 0, held.log());
  }
});
