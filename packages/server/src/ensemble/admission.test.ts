import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensemble, toyModel } from '../core/test-support/configs.ts';
import { type Answers, failureOf, makeRequest, send, startCore } from '../core/test-support/harness.ts';
import { int32Tensor, readInt32, settled } from '../core/test-support/toy-backend.ts';
import { Cancellation, type InferenceRequest } from '../inference/index.ts';

const input = (length = 1) => int32Tensor('IN', [1, length], new Array(length).fill(7));

const parameters = (values: Readonly<Record<string, number>>) =>
  Object.entries(values)
    .map(([key, value]) => `parameters { key: "${key}" value { string_value: "${value}" } }`)
    .join(' ');

/** IN -> a -> m -> b -> OUT with limits; `a` and `b` hold their executions. */
async function setUp(limits: { requests?: number; bytes?: number; queue?: number }, models: readonly string[] = []) {
  const text = ensemble(
    'e',
    [
      { model: 'a', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
      { model: 'b', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
    ],
    {
      more: parameters({
        ...(limits.bytes === undefined ? {} : { max_inflight_bytes: limits.bytes }),
        ...(limits.queue === undefined ? {} : { max_queue_size: limits.queue }),
      }),
    },
  ).replace('ensemble_scheduling {', `ensemble_scheduling { max_inflight_requests: ${limits.requests ?? 0}`);
  const many = { hold: true, instances: 50 };
  const started = await startCore([toyModel('a', many), toyModel('b', many), ...models, text]);
  const request = (more: Partial<InferenceRequest> = {}, length = 1) =>
    send(started.core, makeRequest('e', [input(length)], more));
  return { ...started, request };
}

const outcomes = (answers: readonly Answers[]) =>
  answers.map(({ finals, responses }) => (finals === 0 ? 'open' : (responses[0]?.error?.message ?? 'ok')));

test('max_inflight_requests: the rest waits at the entrance, in order', async () => {
  const { backend, request } = await setUp({ requests: 2 });
  const answers = ['1', '2', '3', '4'].map((id) => request({ id }));
  assert.deepEqual(
    backend.held.map(({ requestIds }) => requestIds[0]),
    ['1', '2'],
  );
  for (let step = 0; step < 8; step++) await backend.releaseNext();
  assert.deepEqual(outcomes(answers), ['ok', 'ok', 'ok', 'ok']);
  assert.deepEqual(
    backend.executions.filter(({ model }) => model === 'a').map(({ requestIds }) => requestIds[0]),
    ['1', '2', '3', '4'],
  );
});

test('max_inflight_bytes: bytes inside are bounded, a large request runs alone', async () => {
  const { backend, request } = await setUp({ bytes: 100 });
  const answers = [request({}, 10), request({}, 10), request({}, 10), request({}, 1000)];
  assert.equal(backend.held.length, 2, 'the third has no room');
  for (let step = 0; step < 8; step++) await backend.releaseNext();
  assert.deepEqual(outcomes(answers), ['ok', 'ok', 'ok', 'ok']);
});

test('max_queue_size: one more is refused in the words of Triton', async () => {
  const { backend, core, request } = await setUp({ requests: 1, queue: 1 });
  const answers = [request(), request()];
  assert.equal(
    failureOf(core, makeRequest('e', [input()], { id: 'x' })),
    'thrown UNAVAILABLE [request id: x] Exceeds maximum queue size',
  );
  await backend.releaseAll();
  assert.deepEqual(outcomes(answers), ['ok', 'ok']);
});

test('a timeout ends the wait at the entrance', async () => {
  const { backend, clock, request } = await setUp({ requests: 1 });
  const answers = [request(), request({ timeoutMicros: 5000 }), request()];
  clock.advanceMs(5);
  assert.deepEqual(outcomes(answers), ['open', 'Request timeout expired', 'open']);
  await backend.releaseAll();
  assert.deepEqual(outcomes(answers), ['ok', 'Request timeout expired', 'ok']);
  assert.equal(backend.executions.length, 4, 'nothing was spent on it');
});

test('a request that cannot start in time at the present pace is refused at once', async () => {
  const { backend, clock, core, request } = await setUp({ requests: 1 });
  const answers = Array.from({ length: 6 }, () => request());
  for (let done = 0; done < 3; done++) {
    clock.advanceMs(10);
    await backend.releaseNext();
    await backend.releaseNext();
  }
  assert.equal(
    failureOf(core, makeRequest('e', [input()], { timeoutMicros: 15_000 })),
    'thrown UNAVAILABLE Request timeout expired',
    'two wait before it, each takes about 10 ms',
  );
  answers.push(request({ timeoutMicros: 60_000 }));
  await backend.releaseAll();
  assert.ok(outcomes(answers).every((outcome) => outcome === 'ok'));
});

test('clients that go away make room and cost nothing', async () => {
  const { backend, request } = await setUp({ requests: 1, queue: 2 });
  const cancellation = new Cancellation();
  const answers = [request(), request({ cancellation }), request({ cancellation })];
  cancellation.cancel();
  answers.push(request());
  await backend.releaseAll();
  assert.deepEqual(outcomes(answers), ['ok', '', '', 'ok']);
  assert.equal(backend.executions.length, 4);
});

test('unloading an ensemble lets those at the entrance through or refuses them in time', async () => {
  const { backend, clock, request, store } = await setUp({ requests: 1 });
  const answers = [request(), request(), request({ timeoutMicros: 1000 })];
  let unloaded = false;
  const unloading = store.unload('e').then(() => {
    unloaded = true;
  });
  clock.advanceMs(2);
  await settled();
  assert.equal(unloaded, false);
  await backend.releaseAll();
  await unloading;
  assert.deepEqual(outcomes(answers), ['ok', 'ok', 'Request timeout expired']);
});

test('a decoupled step is followed up at the pace of max_inflight_requests, in order, and nothing hangs', async () => {
  const repeat = toyModel('repeat', {
    behaviour: 'repeat',
    maxBatchSize: 0,
    more: 'model_transaction_policy { decoupled: true }',
  });
  const text = ensemble(
    'stream',
    [
      { model: 'repeat', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
      { model: 'slow', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
    ],
    { maxBatchSize: 0 },
  ).replace('ensemble_scheduling {', 'ensemble_scheduling { max_inflight_requests: 3');
  const { backend, core } = await setUp({}, [
    repeat,
    toyModel('slow', { maxBatchSize: 0, hold: true, instances: 50 }),
    text,
  ]);
  const answers = send(
    core,
    makeRequest('stream', [
      int32Tensor(
        'IN',
        [20],
        Array.from({ length: 20 }, (_, index) => index),
      ),
    ]),
  );
  assert.equal(backend.held.length, 3);
  while (backend.held.length > 0) {
    assert.ok(backend.held.length <= 3);
    await backend.releaseNext();
  }
  assert.equal(answers.finals, 1);
  const values = answers.responses.flatMap((response) => response?.outputs.flatMap(readInt32) ?? []);
  assert.deepEqual(
    values,
    Array.from({ length: 20 }, (_, index) => index),
  );
});

test('a full queue in the middle of an ensemble fails its request and hangs none', async () => {
  const full = toyModel('full', {
    hold: true,
    more: 'dynamic_batching { default_queue_policy { max_queue_size: 1 } }',
    maxBatchSize: 1,
  });
  const text = ensemble(
    'middle',
    [
      { model: 'id', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
      { model: 'full', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
    ],
    { maxBatchSize: 1 },
  );
  const { backend, core } = await setUp({}, [toyModel('id'), full, text]);
  const answers = Array.from({ length: 50 }, () => send(core, makeRequest('middle', [input()])));
  await backend.releaseAll();
  const all = outcomes(answers);
  assert.deepEqual(all.slice(0, 2), ['ok', 'ok']);
  assert.ok(
    all
      .slice(2)
      .every((text) => text === "in ensemble 'middle', [request id: <id_unknown>] Exceeds maximum queue size"),
  );
});

test('limits that are no numbers fail the load', async () => {
  const text = ensemble('bad', [{ model: 'a', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'OUT' } }], {
    more: 'parameters { key: "max_inflight_bytes" value { string_value: "lots" } }',
  });
  const { store } = await startCore([toyModel('a'), text]);
  assert.equal(
    store.failures.get('bad')?.message,
    "parameter 'max_inflight_bytes' of ensemble 'bad' must be a number of at least 0, got 'lots'",
  );
});
