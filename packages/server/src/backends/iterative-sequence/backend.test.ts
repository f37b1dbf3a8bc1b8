import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/index.ts';
import { makeRequest, send, startCore } from '../../core/test-support/harness.ts';
import { int32Tensor, readInt32, settled } from '../../core/test-support/toy-backend.ts';
import { IterativeSequenceBackend } from './backend.ts';

const config = (scheduling: string, more = 'model_transaction_policy { decoupled: true }') => `
name: "countdown" backend: "iterative_sequence" max_batch_size: 1
input { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] }
output { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] }
instance_group { count: 1 kind: KIND_CPU }
parameters { key: "execute_delay_ms" value { string_value: "0" } }
${scheduling} ${more}`;

const ITERATIVE = 'sequence_batching { iterative_sequence: true max_sequence_idle_microseconds: 5000000 }';

async function start(text: string) {
  return startCore([text], { backends: [new IterativeSequenceBackend()], clock: systemClock });
}

async function countDown(text: string, from: number, more = {}): Promise<string[]> {
  const { core } = await start(text);
  const answers = send(core, makeRequest('countdown', [int32Tensor('INPUT', [1, 1], [from])], more));
  while (answers.finals === 0) await settled();
  await core.stop(1_000);
  return answers.responses.map((response) => {
    return response?.error === undefined ? String(readInt32(response!.outputs[0]!)[0]) : response.error.message;
  });
}

test('one request counts down, a response at a time', async () => {
  assert.deepEqual(await countDown(config(ITERATIVE), 3), ['2', '1', '0']);
});

test('more requests than slots take turns', async () => {
  const { core } = await start(config(ITERATIVE));
  const all = Array.from({ length: 4 }, () =>
    send(core, makeRequest('countdown', [int32Tensor('INPUT', [1, 1], [2])])),
  );
  while (all.some(({ finals }) => finals === 0)) await settled();
  for (const { responses } of all)
    assert.deepEqual(
      responses.map((response) => readInt32(response!.outputs[0]!)[0]),
      [1, 0],
    );
  await core.stop(1_000);
});

test('a scheduler that cannot run a request again says so, in the words of Triton', async () => {
  const refusal =
    'Request is released with TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, while the model is not configured to handle such a flag.';
  const sequence = { correlationId: 1n, sequenceStart: true };
  assert.deepEqual(await countDown(config('dynamic_batching { }'), 2), [refusal]);
  assert.deepEqual(await countDown(config('sequence_batching { direct { } }'), 2, sequence), [refusal]);
});

test('a model that is not decoupled is refused', async () => {
  const { store } = await start(config(ITERATIVE, ''));
  assert.match(String(store.failures.get('countdown')), /must be decoupled and have INT32 'INPUT' and 'OUTPUT'/);
});
