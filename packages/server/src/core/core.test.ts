import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import { toyModel } from './test-support/configs.ts';
import { failureOf, makeRequest, send, startCore } from './test-support/harness.ts';
import { int32Tensor, readInt32, settled } from './test-support/toy-backend.ts';

const ADD_SUB = toyModel('simple', {
  behaviour: 'add_sub',
  inputs: ['INPUT0', 'INPUT1'],
  outputs: ['OUTPUT0', 'OUTPUT1'],
  dims: '4',
});

const A = int32Tensor('INPUT0', [1, 4], [1, 2, 3, 4]);
const B = int32Tensor('INPUT1', [1, 4], [1, 1, 1, 1]);

const NOTE =
  'NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. ' +
  'If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. ' +
  'See the model configuration docs for more info on max_batch_size.';

function bytesTensor(name: string, shape: readonly number[], data: readonly number[]): Tensor {
  return { name, dataType: 'BYTES', shape, data: Uint8Array.from(data) };
}

test('an add/sub model answers before infer returns', async () => {
  const { core } = await startCore([ADD_SUB]);
  const answers = send(core, makeRequest('simple', [A, B], { id: 'r1' }));
  assert.equal(answers.finals, 1);
  const [response] = answers.responses;
  assert.equal(response?.id, 'r1');
  assert.equal(response?.modelVersion, 1);
  assert.deepEqual(
    response?.outputs.map(({ name }) => name),
    ['OUTPUT0', 'OUTPUT1'],
  );
  assert.deepEqual(response?.outputs.map(readInt32), [
    [2, 3, 4, 5],
    [0, 1, 2, 3],
  ]);
});

test('only the requested outputs come back, each once', async () => {
  const { core } = await startCore([ADD_SUB]);
  const answers = send(core, makeRequest('simple', [A, B], { requestedOutputs: ['OUTPUT1', 'OUTPUT1'] }));
  assert.deepEqual(
    answers.responses[0]?.outputs.map(({ name }) => name),
    ['OUTPUT1'],
  );
});

test('refused requests carry the texts of Triton', async () => {
  const { core } = await startCore([
    ADD_SUB,
    toyModel('optional', { inputs: ['INPUT0', 'INPUT1?'], maxBatchSize: 0 }),
    toyModel('text', { dataType: 'TYPE_STRING', dims: '2' }),
    toyModel('plain', { maxBatchSize: 0, dims: '-1, 2' }),
  ]);
  const refusals: readonly (readonly [ReturnType<typeof makeRequest>, string])[] = [
    [makeRequest('nosuch', []), "NOT_FOUND Request for unknown model: 'nosuch' is not found"],
    [
      makeRequest('simple', [A, B], { modelVersion: 9 }),
      "NOT_FOUND Request for unknown model: 'simple' version 9 is not found",
    ],
    [
      makeRequest('simple', [A, B], { requestedOutputs: ['NOPE'] }),
      "INVALID_ARG unexpected inference output 'NOPE' for model 'simple'",
    ],
    [
      makeRequest('simple', [A, B], { requestedOutputs: ['b', 'OUTPUT0', 'a'] }),
      "INVALID_ARG unexpected inference output 'a' for model 'simple'",
    ],
    [
      makeRequest('simple', [A]),
      "INVALID_ARG [request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'simple'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
    ],
    [
      makeRequest('simple', []),
      "INVALID_ARG [request id: <id_unknown>] expected 2 inputs but got 0 inputs for model 'simple'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1']. Please provide all required input(s).",
    ],
    [
      makeRequest('simple', [A, B, { ...B, name: 'X' }]),
      "INVALID_ARG [request id: <id_unknown>] expected 2 inputs but got 3 inputs for model 'simple'. Got input(s) ['X','INPUT1','INPUT0'], but missing required input(s) ]. Please provide all required input(s).",
    ],
    [
      makeRequest('optional', [], { id: '7' }),
      "INVALID_ARG [request id: 7] expected number of inputs between 1 and 2 but got 0 inputs for model 'optional'. Got input(s) [], but missing required input(s) ['INPUT0']. Please provide all required input(s).",
    ],
    [
      makeRequest('simple', [A, { ...B, name: 'NOPE' }]),
      "INVALID_ARG unexpected inference input 'NOPE' for model 'simple'",
    ],
    [makeRequest('simple', [A, A]), "INVALID_ARG [request id: <id_unknown>] input 'INPUT0' already exists in request"],
    [
      makeRequest('simple', [A, A, B]),
      "INVALID_ARG [request id: <id_unknown>] input 'INPUT0' already exists in request",
    ],
    [
      makeRequest('simple', [A, { ...B, dataType: 'FP32' }]),
      "INVALID_ARG [request id: <id_unknown>] inference input 'INPUT1' data-type is 'FP32', but model 'simple' expects 'INT32'",
    ],
    [
      makeRequest('simple', [A, { ...B, shape: [1, 8] }]),
      `INVALID_ARG [request id: <id_unknown>] unexpected shape for input 'INPUT1' for model 'simple'. Expected [-1,4], got [1,8]. ${NOTE}`,
    ],
    [
      makeRequest('simple', [A, { ...B, shape: [] }]),
      "INVALID_ARG [request id: <id_unknown>] input 'INPUT1' has no shape but model requires batch dimension for 'simple'",
    ],
    [
      makeRequest('simple', [
        { ...A, shape: [9, 4] },
        { ...B, shape: [9, 4] },
      ]),
      "INVALID_ARG [request id: <id_unknown>] inference request batch-size must be <= 8 for 'simple'",
    ],
    [
      makeRequest('text', [bytesTensor('INPUT0', [-1, 2], [])]),
      "INVALID_ARG [request id: <id_unknown>] inference request batch-size must be <= 8 for 'text'",
    ],
    [
      makeRequest('simple', [
        { ...A, shape: [-1, 4] },
        { ...B, shape: [-1, 4] },
      ]),
      "INVALID_ARG [request id: <id_unknown>] input 'INPUT0' batch size does not match other inputs for 'simple'",
    ],
    [
      makeRequest('simple', [{ ...A, shape: [2, 4] }, B]),
      "INVALID_ARG [request id: <id_unknown>] input 'INPUT0' batch size does not match other inputs for 'simple'",
    ],
    [
      makeRequest('simple', [
        { ...A, shape: [0, 4], data: new Uint8Array() },
        { ...B, shape: [0, 4], data: new Uint8Array() },
      ]),
      "INVALID_ARG [request id: <id_unknown>] input byte size mismatch for input 'INPUT1' for model 'simple'. Expected 16, got 0",
    ],
    [
      makeRequest('simple', [{ ...A, data: A.data.subarray(1) }, B]),
      "INVALID_ARG [request id: <id_unknown>] input byte size mismatch for input 'INPUT0' for model 'simple'. Expected 16, got 15",
    ],
    [
      makeRequest('plain', [{ ...A, shape: [-1, 2] }]),
      "INVALID_ARG [request id: <id_unknown>] All input dimensions should be specified for input 'INPUT0' for model 'plain', got [-1,2]",
    ],
    [
      makeRequest('plain', [{ ...A, shape: [3, 2] }], { rawInputName: 'raw_input' }),
      "INVALID_ARG [request id: <id_unknown>] input byte size mismatch for input 'raw_input' for model 'plain'. Expected 24, got 16",
    ],
    [
      makeRequest('text', [bytesTensor('INPUT0', [1, 2], [1, 0, 0, 0, 65])]),
      "INVALID_ARG [request id: <id_unknown>] expected 2 string elements for inference input 'INPUT0' for model 'text', got 1",
    ],
    [
      makeRequest('text', [bytesTensor('INPUT0', [1, 2], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]),
      "INVALID_ARG [request id: <id_unknown>] unexpected number of string elements 3 for inference input 'INPUT0' for model 'text', expecting 2",
    ],
    [
      makeRequest('text', [bytesTensor('INPUT0', [1, 2], [0, 0, 0, 0, 0, 0])]),
      "INVALID_ARG [request id: <id_unknown>] incomplete string length indicator for inference input 'INPUT0' for model 'text', expecting 4 bytes but only 2 bytes available. Please make sure the string length indicator is in one buffer.",
    ],
  ];
  for (const [request, expected] of refusals) assert.equal(failureOf(core, request), `thrown ${expected}`);
  for (const { inferenceCount, fail } of core.statistics('', -1)) {
    assert.deepEqual([inferenceCount, fail.count], [0, 0], 'refused requests count nowhere');
  }
});

test('a BYTES element that runs past the end is found after queueing, as in Triton', async () => {
  const { core } = await startCore([toyModel('text', { dataType: 'TYPE_STRING', dims: '1' })]);
  const lies = bytesTensor('INPUT0', [1, 1], [255, 255, 255, 255, 65]);
  assert.equal(
    failureOf(core, makeRequest('text', [lies])),
    "answered INVALID_ARG incomplete string data for inference input 'INPUT0', expecting string of length 4294967295 but only 1 bytes available",
  );
});

test('hostile shapes are refused without allocating', async () => {
  const { core } = await startCore([
    toyModel('any', { maxBatchSize: 0, dims: '-1, -1' }),
    toyModel('text', { dataType: 'TYPE_STRING' }),
  ]);
  const empty = new Uint8Array();
  const shapes: readonly (readonly number[])[] = [
    [2 ** 31, 2 ** 31],
    [2 ** 53, 2 ** 53],
    [2 ** 63, 2],
    [-2, 3],
    [Number.MAX_VALUE, Number.MAX_VALUE],
    Array.from({ length: 10_000 }, () => 1),
  ];
  for (const shape of shapes) {
    assert.match(
      failureOf(core, makeRequest('any', [{ name: 'INPUT0', dataType: 'INT32', shape, data: empty }])),
      /^thrown INVALID_ARG /,
    );
  }
  assert.equal(
    failureOf(core, makeRequest('any', [{ name: 'INPUT0', dataType: 'INT32', shape: [2 ** 62, 2], data: empty }])),
    "thrown INVALID_ARG byte size for tensor 'INPUT0' exceeds maximum size of 9223372036854775807",
  );
  assert.equal(
    failureOf(core, makeRequest('any', [{ name: 'INPUT0', dataType: 'INT32', shape: [2, -5], data: empty }])),
    "thrown INVALID_ARG tensor 'INPUT0' contains an invalid dimension [2,-5]",
  );
  assert.equal(
    failureOf(core, makeRequest('text', [{ name: 'INPUT0', dataType: 'BYTES', shape: [1, -5], data: empty }])),
    "thrown INVALID_ARG tensor 'INPUT0' contains an invalid dimension in shape [1,-5]",
  );
  assert.match(
    failureOf(core, makeRequest('text', [{ name: 'INPUT0', dataType: 'BYTES', shape: [1, 2 ** 63], data: empty }])),
    /element count for tensor 'INPUT0' exceeds maximum size/,
  );
});

test('a hundred thousand inputs or requested outputs are refused quickly', async () => {
  const { core } = await startCore([ADD_SUB]);
  const many = Array.from({ length: 100_000 }, (_, index) => int32Tensor(`I${index}`, [1, 4], [0, 0, 0, 0]));
  assert.match(failureOf(core, makeRequest('simple', many)), /expected 2 inputs but got 100000 inputs/);
  const outputs = Array.from({ length: 100_000 }, () => 'OUTPUT0');
  assert.equal(send(core, makeRequest('simple', [A, B], { requestedOutputs: outputs })).finals, 1);
});

test('reshape is applied to inputs and undone on outputs', async () => {
  const config = `
name: "m" backend: "toy" max_batch_size: 4
input { name: "INPUT0" data_type: TYPE_INT32 dims: [ -1, 4 ] reshape { shape: [ -1, 2, 2 ] } }
output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ -1, 4 ] reshape { shape: [ -1, 2, 2 ] } }
instance_group { count: 1 kind: KIND_CPU }`;
  const { core } = await startCore([config]);
  const [response] = send(core, makeRequest('m', [int32Tensor('INPUT0', [1, 1, 4], [1, 2, 3, 4])])).responses;
  assert.deepEqual(response?.outputs[0]?.shape, [1, 1, 4]);
});

test('a failing model answers with its error and counts a failure', async () => {
  const { core } = await startCore([toyModel('bad', { behaviour: 'fail' })]);
  assert.equal(
    failureOf(core, makeRequest('bad', [int32Tensor('INPUT0', [1, 1], [1])])),
    'answered INTERNAL the toy model failed',
  );
  const [statistics] = core.statistics('bad', 1);
  assert.deepEqual([statistics?.success.count, statistics?.fail.count, statistics?.executionCount], [0, 1, 0]);
});

test('whatever a backend does, a request is answered exactly once', async () => {
  const models = ['silent', 'twice', 'throw'].map((behaviour) => toyModel(behaviour, { behaviour }));
  const { core } = await startCore(models);
  const input = int32Tensor('INPUT0', [1, 1], [5]);
  for (const name of ['silent', 'twice', 'throw']) assert.equal(send(core, makeRequest(name, [input])).finals, 1, name);
  assert.equal(failureOf(core, makeRequest('throw', [input])), 'answered INTERNAL the toy backend broke its contract');
  assert.equal(
    failureOf(core, makeRequest('silent', [input])),
    "answered INTERNAL model instance 'silent_0_0' released the request without a response",
  );
});

test('a response handler that throws is logged and harms nobody', async () => {
  const { core, log } = await startCore([ADD_SUB]);
  core.infer(makeRequest('simple', [A, B]), () => {
    throw new Error('the front end is broken');
  });
  assert.match(log.lines.at(-1) ?? '', /^E response handler of model 'simple' failed: Error: the front end is broken/);
  assert.equal(send(core, makeRequest('simple', [A, B])).finals, 1);
});

test('statistics count requests, inferences and executions', async () => {
  const { core } = await startCore([ADD_SUB]);
  send(core, makeRequest('simple', [A, B]));
  const two = [
    int32Tensor('INPUT0', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
    int32Tensor('INPUT1', [2, 4], [0, 0, 0, 0, 0, 0, 0, 0]),
  ];
  send(core, makeRequest('simple', two));
  const [statistics] = core.statistics('simple', -1);
  assert.equal(statistics?.inferenceCount, 3);
  assert.equal(statistics?.executionCount, 2);
  assert.deepEqual([statistics?.success.count, statistics?.queue.count, statistics?.computeInfer.count], [2, 2, 2]);
  assert.deepEqual(
    statistics?.batchStats.map(({ batchSize, computeInfer }) => [batchSize, computeInfer.count]),
    [
      [1, 1],
      [2, 1],
    ],
  );
  const executions = statistics?.batchStats.reduce((ns, { computeOutput }) => ns + computeOutput.ns, 0);
  assert.equal(executions, statistics?.computeOutput.ns, 'requests that ran alone spent what their executions did');
  assert.equal(statistics?.responseStats.size, 0);
  assert.throws(() => core.statistics('nosuch', -1), { message: "requested model 'nosuch' is not available" });
  assert.throws(() => core.statistics('simple', 4), {
    message: "requested model version is not available for model 'simple'",
  });
});

test('a model whose backend is not there fails to load; the others serve', async () => {
  const { core, store } = await startCore([
    ADD_SUB.replace('"toy"', '"nosuch"').replace('"simple"', '"lost"'),
    ADD_SUB,
  ]);
  assert.equal(
    store.failures.get('lost')?.message,
    "unable to find backend library for backend 'nosuch', try specifying runtime on the model configuration.",
  );
  assert.equal(core.isReady(), false, 'strict readiness wants every model');
  assert.equal(send(core, makeRequest('simple', [A, B])).finals, 1);
});

test('stop waits for requests in flight and refuses new ones', async () => {
  const { core, backend, clock } = await startCore([toyModel('slow', { hold: true })]);
  const input = int32Tensor('INPUT0', [1, 1], [5]);
  const first = send(core, makeRequest('slow', [input]));
  const second = send(core, makeRequest('slow', [input]));
  const stopped = core.stop(30_000);
  assert.equal(core.isReady(), false);
  assert.equal(failureOf(core, makeRequest('slow', [input])), 'thrown UNAVAILABLE Server not ready');
  await backend.releaseNext();
  await backend.releaseNext();
  clock.advanceMs(1000);
  assert.equal(await stopped, 0);
  assert.deepEqual([first.finals, second.finals], [1, 1]);
  assert.deepEqual(backend.unloaded, ['slow']);
});

test('stop gives up after the exit timeout and says how much is left', async () => {
  const { core, clock, log } = await startCore([toyModel('slow', { hold: true })]);
  send(core, makeRequest('slow', [int32Tensor('INPUT0', [1, 1], [5])]));
  const stopped = core.stop(3000);
  for (let second = 0; second < 4; second++) {
    clock.advanceMs(1000);
    await settled();
  }
  assert.equal(await stopped, 1);
  assert.ok(log.lines.some((line) => /^I Timeout 3: Found \d+ live models and 1 in-flight/.test(line)));
  assert.equal(core.isLive(), false);
});

test('a trace tells where the time went', async () => {
  const { core } = await startCore([ADD_SUB]);
  const { RequestTrace } = await import('../inference/index.ts');
  const trace = new RequestTrace();
  send(core, makeRequest('simple', [A, B], { trace }));
  assert.deepEqual([trace.modelName, trace.modelVersion, trace.step], ['simple', 1, -1]);
  assert.ok(trace.startNs <= trace.computeStartNs && trace.computeStartNs < trace.computeOutputStartNs);
});
