import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { batchOf, bytes, int32, int32Values, outputsOf, request } from '../batch/test-support/requests.ts';
import { accumulator, addSub, identities, withDefault } from './test-support/models.ts';
import { ADD_SUB, HEAD, IO, OUTPUTS, TestBackend } from './test-support/test-backend.ts';

const test = new TestBackend();
after(() => test.close());

describe('onnxruntime backend: running', () => {
  it('runs a request alone and requests together', async () => {
    const { model, signature } = await test.load(ADD_SUB);
    const instance = await model.createInstance('m_0');
    const alone = request(signature, [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])]);
    const batch = batchOf([alone]);
    await instance.execute(batch);
    assert.deepEqual(outputsOf(alone), [
      int32('OUTPUT0', [1, 4], [2, 3, 4, 5]),
      int32('OUTPUT1', [1, 4], [0, 1, 2, 3]),
    ]);
    assert.ok(batch.computeInputEndNs > 0 && batch.computeOutputStartNs >= batch.computeInputEndNs);

    const together = [1, 2, 3].map((rows) =>
      request(
        signature,
        ['INPUT0', 'INPUT1'].map((name) => int32(name, [rows, 4], new Array(4 * rows).fill(rows))),
        { outputs: rows === 2 ? ['OUTPUT1', 'OUTPUT0'] : ['OUTPUT0'] },
      ),
    );
    await instance.execute(batchOf(together));
    for (const [index, answered] of together.entries()) {
      const rows = index + 1;
      const sum = outputsOf(answered).find(({ name }) => name === 'OUTPUT0');
      assert.deepEqual(sum, int32('OUTPUT0', [rows, 4], new Array(4 * rows).fill(2 * rows)));
    }
    assert.deepEqual(
      outputsOf(together[1]!).map(({ name }) => name),
      ['OUTPUT1', 'OUTPUT0'],
    );
    await model.unload();
  });

  it('comes to answer before execute returns, once it knows the model is short', async () => {
    const { model, signature } = await test.load(ADD_SUB);
    const instance = await model.createInstance('m_0');
    let inline = false;
    for (let run = 0; run < 1000 && !inline; run++) {
      const asked = request(signature, [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])]);
      const running = instance.execute(batchOf([asked]));
      inline = running === undefined;
      await running;
      assert.equal(outputsOf(asked).length, 2);
    }
    assert.equal(inline, true);
    await model.unload();
  });

  it('answers every request of a batch with ONNX Runtime’s error', async () => {
    const { model, signature } = await test.load(`${HEAD} max_batch_size: 0 ${IO} ${OUTPUTS}`, addSub([4]));
    const instance = await model.createInstance('m_0');
    const asked = request(signature, [int32('INPUT0', [4], [1, 2, 3, 4])]);
    for (let run = 0; run < 5; run++) await instance.execute(batchOf([asked]));
    assert.equal(asked.answers.length, 5);
    for (const { response } of asked.answers) {
      assert.equal(response.error?.code, 'INTERNAL');
      assert.match(response.error?.message ?? '', /^onnx runtime error 6: Non-zero status code returned while running/);
    }
    await model.unload();
  });

  it('lets a request leave out an optional input', async () => {
    const optional = IO.replace(
      'INPUT1" data_type: TYPE_INT32 dims: [ 4 ]',
      'INPUT1" data_type: TYPE_INT32 dims: [ 4 ] optional: true',
    );
    const { model, signature } = await test.load(
      `${HEAD} ${optional} output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 4 ] }`,
      withDefault(),
    );
    const instance = await model.createInstance('m_0');
    const given = int32('INPUT0', [4], [1, 2, 3, 4]);
    const without = request(signature, [given]);
    await instance.execute(batchOf([without]));
    assert.deepEqual(int32Values(outputsOf(without)[0]), [11, 12, 13, 14]);
    const withBoth = request(signature, [given, int32('INPUT1', [4], [1, 1, 1, 1])]);
    await instance.execute(batchOf([withBoth]));
    assert.deepEqual(int32Values(outputsOf(withBoth)[0]), [2, 3, 4, 5]);
    await model.unload();
  });

  it('hands over C strings: a string ends at its first NUL', async () => {
    const strings = { x: 'IN', y: 'OUT', type: 'string', shape: ['n'] } as const;
    const io =
      'input { name: "IN" data_type: TYPE_STRING dims: [ -1 ] } output { name: "OUT" data_type: TYPE_STRING dims: [ -1 ] }';
    const { model, signature } = await test.load(`${HEAD} max_batch_size: 0 ${io}`, identities([strings]));
    const instance = await model.createInstance('m_0');
    const asked = request(signature, [bytes('IN', ['a\0b', '\0a', 'c'])]);
    await instance.execute(batchOf([asked]));
    assert.deepEqual(outputsOf(asked)[0]?.data, bytes('OUT', ['a', '', 'c']).data);
    await model.unload();
  });

  it('feeds the scheduler’s inputs and gives it the states', async () => {
    const { model, signature } = await test.load(
      `${HEAD} max_batch_size: 4
       input { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] }
       output { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] }
       sequence_batching {
         control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } }
         state { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_INT32 dims: [ 1 ] }
       }`,
      accumulator(),
    );
    const instance = await model.createInstance('m_0');
    const asked = [5, 6].map((value) => request(signature, [int32('INPUT', [1, 1], [value])]));
    const states: unknown[] = [];
    const schedulerInputs = new Map([
      ['START', int32('START', [2, 1], [1, 0])],
      ['STATE_IN', int32('STATE_IN', [2, 1], [100, 100])],
    ]);
    await instance.execute(
      batchOf(asked, { schedulerInputs, onSchedulerOutputs: (outputs) => states.push(...outputs) }),
    );
    assert.deepEqual(
      asked.map((each) => int32Values(outputsOf(each)[0])),
      [[5], [106]],
    );
    assert.deepEqual(states, [int32('STATE_OUT', [2, 1], [5, 106])]);
    await model.unload();
  });

  it('runs ragged batches', async () => {
    const { model, signature } = await test.load(
      `${HEAD} max_batch_size: 4
       input { name: "R" data_type: TYPE_INT32 dims: [ -1 ] allow_ragged_batch: true }
       output { name: "Y" data_type: TYPE_INT32 dims: [ -1 ] }
       output { name: "C" data_type: TYPE_INT32 dims: [ 1 ] reshape { shape: [ ] } }
       batch_input { kind: BATCH_ELEMENT_COUNT target_name: "COUNT" data_type: TYPE_INT32 source_input: "R" }
       batch_output { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "Y" source_input: "R" }`,
      identities([
        { x: 'R', y: 'Y', type: 'int32', shape: ['elements'] },
        { x: 'COUNT', y: 'C', type: 'int32', shape: ['requests'] },
      ]),
    );
    const instance = await model.createInstance('m_0');
    const asked = [int32('R', [1, 3], [1, 2, 3]), int32('R', [1, 1], [4])].map((tensor) =>
      request(signature, [tensor]),
    );
    await instance.execute(batchOf(asked));
    assert.deepEqual(asked.map(outputsOf), [
      [int32('Y', [1, 3], [1, 2, 3]), int32('C', [1], [3])],
      [int32('Y', [1, 1], [4]), int32('C', [1], [1])],
    ]);
    await model.unload();
  });

  it('gives scalars the shape of the configuration', async () => {
    const { model, signature } = await test.load(
      `${HEAD} input { name: "X" data_type: TYPE_INT32 dims: [ 1 ] } output { name: "Y" data_type: TYPE_INT32 dims: [ 1 ] }`,
      identities([{ x: 'X', y: 'Y', type: 'int32', shape: [] }]),
    );
    const asked = request(signature, [int32('X', [1], [42])]);
    await (await model.createInstance('m_0')).execute(batchOf([asked]));
    assert.deepEqual(outputsOf(asked), [int32('Y', [1], [42])]);
    await model.unload();
  });

  it('stops a run whose only client has gone, and no other', async () => {
    const { model, signature } = await test.load(ADD_SUB);
    const instance = await model.createInstance('m_0');
    const tensors = [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])];
    const alone = request(signature, tensors);
    const running = instance.execute(batchOf([alone]));
    alone.request.cancellation.cancel();
    await running;
    const outcome = alone.answers.map(({ response }) => response.error?.code ?? 'OK');
    assert.ok(outcome.length === 1 && ['CANCELLED', 'OK'].includes(outcome[0] ?? ''), outcome.join());
    const pair = [request(signature, tensors), request(signature, tensors)];
    const together = instance.execute(batchOf(pair));
    pair[0]?.request.cancellation.cancel();
    await together;
    for (const each of pair) assert.equal(outputsOf(each).length, 2);
    await model.unload();
  });
});
