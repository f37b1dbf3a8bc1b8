import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensemble, toyModel } from '../core/test-support/configs.ts';
import { failureOf, makeRequest, send, startCore } from '../core/test-support/harness.ts';
import { int32Tensor, readInt32, settled } from '../core/test-support/toy-backend.ts';
import { Cancellation, RequestTrace } from '../inference/index.ts';

const ADD_SUB = toyModel('simple', {
  behaviour: 'add_sub',
  inputs: ['INPUT0', 'INPUT1'],
  outputs: ['OUTPUT0', 'OUTPUT1'],
});
const IDENTITY = toyModel('id');
const input = (name: string, ...values: number[]) => int32Tensor(name, [1, values.length], values);

/** IN -> id -> m -> id -> OUT */
const CHAIN = ensemble('chain', [
  { model: 'id', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
  { model: 'id', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
]);

/** Two steps without a tensor in common. */
const BRANCHES = ensemble(
  'branches',
  [
    { model: 'left', inputs: { INPUT0: 'A' }, outputs: { OUTPUT0: 'X' } },
    { model: 'right', inputs: { INPUT0: 'B' }, outputs: { OUTPUT0: 'Y' } },
  ],
  { inputs: ['A', 'B'], outputs: ['X', 'Y'] },
);

test('two steps in a row answer, with the parameters of Triton', async () => {
  const { core } = await startCore([
    ADD_SUB,
    ensemble(
      'e',
      [
        { model: 'simple', inputs: { INPUT0: 'IN0', INPUT1: 'IN1' }, outputs: { OUTPUT0: 's', OUTPUT1: 'd' } },
        { model: 'simple', inputs: { INPUT0: 's', INPUT1: 'd' }, outputs: { OUTPUT0: 'OUT0', OUTPUT1: 'OUT1' } },
      ],
      { inputs: ['IN0', 'IN1'], outputs: ['OUT0', 'OUT1'] },
    ),
  ]);
  const answers = send(core, makeRequest('e', [input('IN0', 5, 6), input('IN1', 1, 2)], { id: 'x' }));
  const [response] = answers.responses;
  assert.equal(answers.finals, 1);
  assert.deepEqual([response?.id, response?.modelName, response?.modelVersion], ['x', 'e', 1]);
  assert.deepEqual(
    response?.outputs.map((tensor) => [tensor.name, readInt32(tensor)]),
    [
      ['OUT0', [10, 12]],
      ['OUT1', [2, 4]],
    ],
  );
  assert.deepEqual(
    [...(response?.parameters ?? [])],
    [
      ['sequence_id', 0n],
      ['sequence_start', false],
      ['sequence_end', false],
    ],
  );
  assert.equal(response?.parameterRepeats, 2);
  const [statistics] = core.statistics('simple', 1);
  assert.equal(statistics?.inferenceCount, 2);
});

test('no bytes are copied between steps', async () => {
  const { core } = await startCore([IDENTITY, CHAIN]);
  const given = input('IN', 1, 2, 3);
  const [response] = send(core, makeRequest('chain', [given])).responses;
  assert.equal(response?.outputs[0]?.data, given.data);
});

test('steps that do not depend on each other run at the same time, a join waits for both', async () => {
  const { core, backend } = await startCore([
    toyModel('left', { hold: true }),
    toyModel('right', { hold: true }),
    ADD_SUB,
    ensemble('diamond', [
      { model: 'simple', inputs: { INPUT0: 'l', INPUT1: 'r' }, outputs: { OUTPUT0: 'OUT' } },
      { model: 'left', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'l' } },
      { model: 'right', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'r' } },
    ]),
  ]);
  const answers = send(core, makeRequest('diamond', [input('IN', 4)]));
  assert.deepEqual(
    backend.held.map(({ model }) => model),
    ['left', 'right'],
  );
  await backend.releaseNext();
  assert.equal(answers.finals, 0);
  await backend.releaseNext();
  assert.deepEqual(readInt32(answers.responses[0]!.outputs[0]!), [8]);
});

test('a step whose outputs nobody asked for does not run', async () => {
  const { core, backend } = await startCore([toyModel('left'), toyModel('right'), BRANCHES]);
  const request = makeRequest('branches', [input('A', 1), input('B', 2)], { requestedOutputs: ['Y'] });
  const answers = send(core, request);
  assert.deepEqual(
    answers.responses[0]?.outputs.map(({ name }) => name),
    ['Y'],
  );
  assert.deepEqual(
    backend.executions.map(({ model }) => model),
    ['right'],
  );
  assert.equal(answers.responses[0]?.parameterRepeats, 1);
});

test('of a shared step only the outputs that are needed are asked', async () => {
  const { core } = await startCore([
    ADD_SUB,
    ensemble(
      'e',
      [{ model: 'simple', inputs: { INPUT0: 'IN', INPUT1: 'IN' }, outputs: { OUTPUT0: 'OUT', OUTPUT1: 'OUT2' } }],
      {
        outputs: ['OUT', 'OUT2'],
      },
    ),
  ]);
  const answers = send(core, makeRequest('e', [input('IN', 3)], { requestedOutputs: ['OUT2'] }));
  assert.deepEqual(
    answers.responses[0]?.outputs.map((tensor) => [tensor.name, readInt32(tensor)]),
    [['OUT2', [0]]],
  );
});

test('the error of a step names the ensemble, keeps its code and waits for steps in flight', async () => {
  const { core, backend } = await startCore([
    toyModel('left', { behaviour: 'fail' }),
    toyModel('right', { hold: true }),
    BRANCHES,
  ]);
  const answers = send(core, makeRequest('branches', [input('A', 1), input('B', 2)]));
  assert.equal(answers.finals, 0, 'the other step still runs');
  await backend.releaseNext();
  assert.equal(answers.finals, 1);
  const { error } = answers.responses[0]!;
  assert.deepEqual([error?.code, error?.message], ['INTERNAL', "in ensemble 'branches', the toy model failed"]);
});

test('a step that refuses its request fails the ensemble with the text of the step', async () => {
  const { core } = await startCore([
    IDENTITY,
    toyModel('narrow', { dims: '2' }),
    ensemble('e', [
      { model: 'id', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
      { model: 'narrow', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
    ]),
  ]);
  const text = failureOf(core, makeRequest('e', [input('IN', 1, 2, 3)], { id: 'r7' }));
  const expected =
    "answered INVALID_ARG in ensemble 'e', [request id: r7] unexpected shape for input 'INPUT0' for model 'narrow'. Expected [-1,2], got [1,3]. NOTE: ";
  assert.equal(text.slice(0, expected.length), expected);
  const [statistics] = core.statistics('e', 1);
  assert.equal(statistics?.fail.count, 2, 'Triton counts the failure of an ensemble twice');
});

test('nested ensembles name each other in errors', async () => {
  const { core } = await startCore([
    toyModel('bad', { behaviour: 'fail' }),
    ensemble('inner', [{ model: 'bad', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'OUT' } }]),
    ensemble('outer', [{ model: 'inner', inputs: { IN: 'IN' }, outputs: { OUT: 'OUT' } }]),
  ]);
  assert.equal(
    failureOf(core, makeRequest('outer', [input('IN', 1)])),
    "answered INTERNAL in ensemble 'outer', in ensemble 'inner', the toy model failed",
  );
});

test('batching and non-batching steps meet', async () => {
  const { core } = await startCore([
    toyModel('batch', { dims: '3' }),
    toyModel('plain', { maxBatchSize: 0, dims: '3' }),
    ensemble(
      'to_plain',
      [
        { model: 'batch', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
        { model: 'plain', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
      ],
      { maxBatchSize: 1, dims: '3' },
    ),
    ensemble(
      'to_batch',
      [
        { model: 'plain', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
        { model: 'batch', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
      ],
      { maxBatchSize: 0, dims: '3' },
    ),
  ]);
  const shapeOf = (name: string, shape: number[]) =>
    send(core, makeRequest(name, [int32Tensor('IN', shape, [1, 2, 3])])).responses[0]?.outputs[0]?.shape;
  assert.deepEqual(shapeOf('to_plain', [1, 3]), [1, 3]);
  assert.deepEqual(shapeOf('to_batch', [3]), [3]);
});

test('an optional input that is absent reaches the step as absent', async () => {
  const { core } = await startCore([
    toyModel('two', { inputs: ['INPUT0', 'INPUT1?'], outputs: ['OUTPUT0', 'OUTPUT1'] }),
    ensemble('e', [{ model: 'two', inputs: { INPUT0: 'A', INPUT1: 'B' }, outputs: { OUTPUT0: 'X', OUTPUT1: 'Y' } }], {
      inputs: ['A', 'B?'],
      outputs: ['X', 'Y'],
    }),
  ]);
  const both = send(core, makeRequest('e', [input('A', 1), input('B', 2)]));
  assert.deepEqual(
    both.responses[0]?.outputs.map(({ name }) => name),
    ['X', 'Y'],
  );
  const one = send(core, makeRequest('e', [input('A', 1)]));
  assert.deepEqual(
    one.responses[0]?.outputs.map(({ name }) => name),
    ['X'],
    'an output nobody made is left out',
  );
});

test('a required input that the count check lets through ends in the deadlock of Triton, not in silence', async () => {
  const { core } = await startCore([
    toyModel('two', { inputs: ['INPUT0', 'INPUT1?'] }),
    ensemble('e', [{ model: 'two', inputs: { INPUT0: 'A', INPUT1: 'B' }, outputs: { OUTPUT0: 'OUT' } }], {
      inputs: ['A', 'B?'],
    }),
  ]);
  assert.equal(
    failureOf(core, makeRequest('e', [input('B', 1)])),
    "answered INVALID_ARG in ensemble 'e', [request id: <id_unknown>] unexpected deadlock, at least one output is not set while no more ensemble steps can be made",
  );
});

test('a decoupled step makes the ensemble decoupled: one response per iteration, the last one final', async () => {
  const { core } = await startCore([
    toyModel('repeat', { behaviour: 'repeat', maxBatchSize: 0, more: 'model_transaction_policy { decoupled: true }' }),
    toyModel('id', { maxBatchSize: 0 }),
    ensemble(
      'e',
      [
        { model: 'repeat', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
        { model: 'id', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
      ],
      { maxBatchSize: 0 },
    ),
  ]);
  assert.equal(core.getModel('e', -1).signature.decoupled, true);
  const answers = send(core, makeRequest('e', [int32Tensor('IN', [3], [7, 8, 9])]));
  assert.deepEqual(
    answers.responses.map((response) => response?.outputs.map(readInt32)),
    [[[7]], [[8]], [[9]]],
  );
  assert.equal(answers.finals, 1);
  assert.deepEqual(send(core, makeRequest('e', [int32Tensor('IN', [0], [])])).responses, [undefined]);
  const [statistics] = core.statistics('repeat', 1);
  assert.deepEqual(
    [...(statistics?.responseStats ?? [])].map(([key, { success }]) => [key, success.count]),
    [
      ['0', 1],
      ['1', 1],
      ['2', 1],
      ['3', 0],
    ],
  );
});

test('a chain of 10,000 inline steps and 10,000 nested ensembles need no stack', async () => {
  const steps = Array.from({ length: 10_000 }, (_, index) => ({
    model: 'id',
    inputs: { INPUT0: index === 0 ? 'IN' : `t${index}` },
    outputs: { OUTPUT0: index === 9_999 ? 'OUT' : `t${index + 1}` },
  }));
  const nested = Array.from({ length: 10_000 }, (_, depth) =>
    ensemble(`n${depth}`, [
      depth === 0
        ? { model: 'id', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'OUT' } }
        : { model: `n${depth - 1}`, inputs: { IN: 'IN' }, outputs: { OUT: 'OUT' } },
    ]),
  );
  const { core } = await startCore([IDENTITY, ensemble('long', steps), ...nested]);
  for (const name of ['long', 'n9999']) {
    const answers = send(core, makeRequest(name, [input('IN', 42)]));
    while (answers.finals === 0) await settled();
    assert.deepEqual(answers.responses[0]?.outputs.map(readInt32), [[42]], name);
  }
});

test('requests interleave freely', async () => {
  const { core, backend } = await startCore([toyModel('id', { hold: true, instances: 2 }), CHAIN]);
  const answers = [1, 2, 3, 4].map((value) =>
    send(core, makeRequest('chain', [input('IN', value)], { id: String(value) })),
  );
  for (let round = 0; round < 8; round++) await backend.releaseNext();
  assert.deepEqual(
    answers.map(({ responses }) => readInt32(responses[0]!.outputs[0]!)),
    [[1], [2], [3], [4]],
  );
});

test('cancellation stops an ensemble between steps', async () => {
  const { core, backend } = await startCore([toyModel('id', { hold: true }), CHAIN]);
  const cancellation = new Cancellation();
  const answers = send(core, makeRequest('chain', [input('IN', 1)], { cancellation }));
  cancellation.cancel();
  await backend.releaseNext();
  assert.equal(answers.finals, 1);
  assert.equal(answers.responses[0]?.error?.code, 'CANCELLED');
  assert.equal(backend.executions.length, 1);
});

test('a request keeps the versions it started with while a step is being unloaded', async () => {
  const { core, backend, store } = await startCore([toyModel('id', { hold: true }), CHAIN]);
  const answers = send(core, makeRequest('chain', [input('IN', 1)]));
  const unloaded = store.unload('id');
  await backend.releaseNext();
  await backend.releaseNext();
  await unloaded;
  assert.equal(answers.responses[0]?.error, undefined);
  assert.match(
    failureOf(core, makeRequest('chain', [input('IN', 1)])),
    /^answered NOT_FOUND in ensemble 'chain', Request for unknown model: 'id'/,
  );
});

test('ids, priorities, timeouts and parameters reach the steps', async () => {
  const seen: unknown[] = [];
  const { core } = await startCore([IDENTITY, CHAIN]);
  const model = core.getModel('id', -1) as unknown as { infer(request: unknown, respond: unknown): void };
  const original = model.infer.bind(model);
  model.infer = (request, respond) => {
    seen.push(request);
    original(request, respond);
  };
  const parameters = new Map([['custom', 'value']]);
  send(
    core,
    makeRequest('chain', [input('IN', 1)], { id: 'i', priority: 2, timeoutMicros: 9, parameters, correlationId: 5n }),
  );
  assert.equal(seen.length, 2);
  for (const request of seen) {
    const { id, priority, timeoutMicros, correlationId } = request as ReturnType<typeof makeRequest>;
    assert.deepEqual(
      { id, priority, timeoutMicros, correlationId },
      { id: 'i', priority: 2, timeoutMicros: 9, correlationId: 5n },
    );
    assert.equal((request as ReturnType<typeof makeRequest>).parameters, parameters);
  }
});

test('statistics of an ensemble: one inference per request, compute times of all its steps', async () => {
  const { core } = await startCore([IDENTITY, CHAIN]);
  send(core, makeRequest('chain', [int32Tensor('IN', [3, 1], [1, 2, 3])]));
  const [statistics] = core.statistics('chain', 1);
  assert.deepEqual([statistics?.inferenceCount, statistics?.executionCount, statistics?.success.count], [3, 1, 1]);
  assert.deepEqual(
    statistics?.batchStats.map(({ batchSize }) => batchSize),
    [3],
  );
  // The toy backend spends 1 ns on inputs and 1 ns on the model, in two steps.
  assert.deepEqual([statistics?.computeInput.ns, statistics?.computeInfer.ns], [2, 2]);
});

test('a trace of an ensemble has its steps as children', async () => {
  const { core } = await startCore([IDENTITY, CHAIN]);
  const trace = new RequestTrace();
  send(core, makeRequest('chain', [input('IN', 1)], { trace }));
  assert.deepEqual(
    trace.children.map(({ modelName, step, endNs }) => [modelName, step, endNs > 0]),
    [
      ['id', 0, true],
      ['id', 1, true],
    ],
  );
});
