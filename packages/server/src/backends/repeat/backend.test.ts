import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import { systemClock } from '../../core/index.ts';
import { ensemble } from '../../core/test-support/configs.ts';
import { type Answers, makeRequest, startCore } from '../../core/test-support/harness.ts';
import { int32Tensor, readInt32 } from '../../core/test-support/toy-backend.ts';
import { Cancellation, type InferenceRequest } from '../../inference/index.ts';
import { RepeatBackend } from './index.ts';

const REPEAT = `
name: "repeat" backend: "repeat" max_batch_size: 0 model_transaction_policy { decoupled: true }
input { name: "IN" data_type: TYPE_INT32 dims: [ -1 ] } input { name: "DELAY" data_type: TYPE_UINT32 dims: [ -1 ] }
input { name: "WAIT" data_type: TYPE_UINT32 dims: [ 1 ] }
output { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] } output { name: "IDX" data_type: TYPE_UINT32 dims: [ 1 ] }`;

const uint32 = (name: string, ...values: number[]): Tensor => ({
  ...int32Tensor(name, [values.length], values),
  dataType: 'UINT32',
});

function inputs(values: readonly number[], delays: readonly number[] = values.map(() => 0)): Tensor[] {
  return [int32Tensor('IN', [values.length], values), uint32('DELAY', ...delays), uint32('WAIT', 0)];
}

/** Sends a request and waits for its final response. */
async function ask(models: readonly string[], request: InferenceRequest, onResponse: () => void = () => {}) {
  const { core } = await startCore(models, { backends: [new RepeatBackend()], clock: systemClock });
  const answers: Answers = { responses: [], finals: 0 };
  await new Promise<void>((resolve) => {
    core.infer(request, (response, final) => {
      answers.responses.push(response);
      onResponse();
      if (final) answers.finals++;
      if (final) resolve();
    });
  });
  return { answers, core };
}

test('one response per element, then an empty final one', async () => {
  const { answers, core } = await ask([REPEAT], makeRequest('repeat', inputs([4, 2, 0])));
  const seen = answers.responses.map((response) =>
    response?.outputs.map((tensor) => [tensor.name, ...readInt32(tensor)]),
  );
  assert.deepEqual(seen, [
    [
      ['OUT', 4],
      ['IDX', 0],
    ],
    [
      ['OUT', 2],
      ['IDX', 1],
    ],
    [
      ['OUT', 0],
      ['IDX', 2],
    ],
    undefined,
  ]);
  const [statistics] = core.statistics('repeat', 1);
  assert.deepEqual([statistics?.success.count, statistics?.executionCount], [1, 1]);
});

test('no elements, no responses but the final one', async () => {
  const { answers } = await ask([REPEAT], makeRequest('repeat', inputs([])));
  assert.deepEqual(answers.responses, [undefined]);
});

test('a delay for each element or an error', async () => {
  const { answers } = await ask([REPEAT], makeRequest('repeat', inputs([1, 2], [0])));
  assert.equal(answers.responses[0]?.error?.message, 'expected IN and DELAY shape to match, got [2] and [1]');
});

test('a client that goes away ends the responses', async () => {
  const cancellation = new Cancellation();
  const request = makeRequest('repeat', inputs([1, 2], [0, 1]), { cancellation });
  const { answers } = await ask([REPEAT], request, () => cancellation.cancel());
  assert.deepEqual(
    answers.responses.map((response) => response?.error?.code),
    [undefined, 'CANCELLED'],
  );
});

test('in an ensemble each response runs the steps behind it', async () => {
  const stream = ensemble(
    'e',
    [
      { model: 'repeat', inputs: { IN: 'IN', DELAY: 'D', WAIT: 'W' }, outputs: { OUT: 'm' } },
      { model: 'id', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
    ],
    { maxBatchSize: 0, inputs: ['IN', 'D', 'W'] },
  )
    .replace('name: "D" data_type: TYPE_INT32', 'name: "D" data_type: TYPE_UINT32')
    .replace('name: "W" data_type: TYPE_INT32 dims: [ -1 ]', 'name: "W" data_type: TYPE_UINT32 dims: [ 1 ]');
  const id = `name: "id" backend: "toy" max_batch_size: 0 input { name: "INPUT0" data_type: TYPE_INT32 dims: [ -1 ] }
    output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ -1 ] }`;
  const given = inputs([7, 8]).map((tensor) => ({
    ...tensor,
    name: { IN: 'IN', DELAY: 'D', WAIT: 'W' }[tensor.name] ?? '',
  }));
  const { answers } = await ask([REPEAT, id, stream], makeRequest('e', given));
  assert.deepEqual(
    answers.responses.flatMap((response) => response?.outputs.map(readInt32) ?? []),
    [[7], [8]],
  );
  assert.equal(answers.finals, 1);
});
