import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseCache } from './response-cache.ts';
import { ensemble, toyModel } from './test-support/configs.ts';
import { makeRequest, send, startCore } from './test-support/harness.ts';
import { int32Tensor, readInt32 } from './test-support/toy-backend.ts';

const CACHED = 'response_cache { enable: true }';
const input = (...values: number[]) => int32Tensor('INPUT0', [1, values.length], values);
const now = () => 0;

test('the second request for the same is answered without the model', async () => {
  const { core, backend } = await startCore([toyModel('m', { more: CACHED })], { responseCacheBytes: 1_000_000 });
  const first = send(core, makeRequest('m', [input(1, 2)], { id: 'a' }));
  const second = send(core, makeRequest('m', [input(1, 2)], { id: 'b', parameters: new Map([['x', 1]]) }));
  assert.deepEqual([first.responses[0]?.id, second.responses[0]?.id], ['a', 'b']);
  assert.deepEqual(second.responses[0]?.outputs.map(readInt32), [[1, 2]]);
  assert.equal(backend.executions.length, 1);
  const [statistics] = core.statistics('m', 1);
  assert.deepEqual(
    [statistics?.success.count, statistics?.queue.count, statistics?.cacheHit.count, statistics?.cacheMiss.count],
    [2, 2, 1, 1],
  );
  assert.deepEqual([statistics?.inferenceCount, statistics?.executionCount, statistics?.computeInfer.count], [1, 1, 1]);
});

test('requests that differ in data, shape, type, inputs, outputs or model are never confused', async () => {
  const two = { inputs: ['INPUT0', 'INPUT1?'], outputs: ['OUTPUT0', 'OUTPUT1'], more: CACHED };
  const { core, backend } = await startCore([toyModel('m', two), toyModel('n', two)], {
    responseCacheBytes: 1_000_000,
  });
  const zero = int32Tensor('INPUT0', [1, 4], [0, 0, 0, 0]);
  const requests = [
    makeRequest('m', [zero]),
    makeRequest('m', [int32Tensor('INPUT0', [1, 4], [0, 0, 0, 1])]),
    makeRequest('m', [{ ...zero, shape: [2, 2] }]),
    makeRequest('m', [{ ...zero, shape: [4, 1] }]),
    makeRequest('m', [zero, { ...zero, name: 'INPUT1' }]),
    makeRequest('m', [zero], { requestedOutputs: ['OUTPUT0'] }),
    makeRequest('m', [zero], { requestedOutputs: ['OUTPUT1'] }),
    makeRequest('n', [zero]),
  ];
  for (const request of requests) send(core, request);
  assert.equal(backend.executions.length, requests.length);
});

test('errors are not kept, nor anything without a cache in server and model', async () => {
  const models = [toyModel('bad', { behaviour: 'fail', more: CACHED }), toyModel('plain')];
  const { core, backend } = await startCore(models, { responseCacheBytes: 1_000_000 });
  for (const name of ['bad', 'bad', 'plain', 'plain']) send(core, makeRequest(name, [input(1)]));
  assert.equal(backend.executions.length, 4);
  const off = await startCore([toyModel('m', { more: CACHED })]);
  for (let round = 0; round < 2; round++) send(off.core, makeRequest('m', [input(1)]));
  assert.equal(off.backend.executions.length, 2);
  assert.equal(off.core.statistics('m', 1)[0]?.cacheMiss.count, 0);
});

test('an ensemble may be cached as a whole', async () => {
  const { core, backend } = await startCore(
    [
      toyModel('m'),
      ensemble('e', [{ model: 'm', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'OUT' } }], { more: CACHED }),
    ],
    { responseCacheBytes: 1_000_000 },
  );
  const request = makeRequest('e', [int32Tensor('IN', [1, 1], [3])]);
  send(core, request);
  assert.deepEqual(send(core, request).responses[0]?.outputs.map(readInt32), [[3]]);
  assert.equal(backend.executions.length, 1);
});

test('warm-up does not fill the cache, and counts', async () => {
  const sample =
    'model_warmup { name: "w" batch_size: 2 count: 3 inputs { key: "INPUT0" value { data_type: TYPE_INT32 dims: [ 1 ] zero_data: true } } }';
  const { core, backend } = await startCore([toyModel('m', { more: `${CACHED} ${sample}` })], {
    responseCacheBytes: 1_000_000,
  });
  assert.deepEqual(
    backend.executions.map(({ batchSize }) => batchSize),
    [2, 2, 2],
  );
  send(core, makeRequest('m', [input(0)]));
  assert.equal(backend.executions.length, 4);
  const [statistics] = core.statistics('m', 1);
  assert.deepEqual([statistics?.inferenceCount, statistics?.executionCount], [7, 4]);
});

test('the cache keeps to its size, the least recently used goes first', () => {
  const cache = new ResponseCache(3000);
  const outputs = [int32Tensor('OUT', [125], new Array(125).fill(0))];
  for (const key of ['a', 'b']) assert.equal(cache.insert(key, outputs, now), true);
  assert.equal(cache.insert('a', outputs, now), false, 'already there');
  cache.lookup('a', now);
  cache.insert('c', outputs, now);
  cache.insert('d', outputs, now);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => cache.lookup(key, now) !== undefined),
    [false, false, true, true],
  );
  const { entries, bytes, evictions } = cache.counters;
  assert.deepEqual([entries, evictions], [2, 2]);
  assert.ok(bytes <= 3000);
  cache.insert('huge', [int32Tensor('OUT', [1000], new Array(1000).fill(0))], now);
  assert.equal(cache.counters.entries, 2, 'what is larger than the cache is not kept');
});

test('an entry does not keep the memory of a whole batch alive', () => {
  const cache = new ResponseCache(100_000);
  const batch = new Uint8Array(50_000);
  cache.insert('k', [{ name: 'OUT', dataType: 'UINT8', shape: [10], data: batch.subarray(0, 10) }], now);
  assert.equal(cache.lookup('k', now)?.[0]?.data.buffer.byteLength, 10);
});
