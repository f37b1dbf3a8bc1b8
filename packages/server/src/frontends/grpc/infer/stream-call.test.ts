import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { GRPCInferenceService, type ModelStreamInferResponse } from '@nereid/protocol/grpc-service';
import { toyModel } from '../../../core/test-support/configs.ts';
import { startCore, type TestCore } from '../../../core/test-support/harness.ts';
import type { Frontend } from '../../wire/index.ts';
import type { GrpcFrontendOptions } from '../index.ts';
import { GrpcClient } from '../test-support/grpc-client.ts';
import { bool, int32Output, int32Request, plainParameters } from '../test-support/messages.ts';
import { startGrpc } from '../test-support/start-grpc.ts';

const { modelStreamInfer } = GRPCInferenceService.method;
const MODELS = [
  toyModel('copy'),
  toyModel('held', { hold: true, instances: 4 }),
  toyModel('broken', { behaviour: 'fail' }),
  toyModel('repeat', { behaviour: 'repeat', maxBatchSize: 0, more: 'model_transaction_policy { decoupled: true }' }),
  toyModel('broken_decoupled', { behaviour: 'fail', more: 'model_transaction_policy { decoupled: true }' }),
];

interface Started extends TestCore {
  readonly client: GrpcClient;
  readonly frontend: Frontend;
}

async function start(context: TestContext, options: Partial<GrpcFrontendOptions> = {}): Promise<Started> {
  const test = await startCore(MODELS);
  const { port, frontend } = await startGrpc(context, test.core, options);
  return { ...test, frontend, client: new GrpcClient(context, port) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const idOf = ({ inferResponse }: ModelStreamInferResponse) => inferResponse?.id;

test('every response says that it is the last of its request', async (context) => {
  const { client } = await start(context);
  const stream = client.stream(modelStreamInfer);
  stream.send(int32Request('copy', [1], { id: 'a' }), int32Request('copy', [2], { id: 'b' }));
  assert.equal(await stream.end(), 'OK');
  const { messages } = stream.received;
  assert.deepEqual(messages.map(idOf), ['a', 'b']);
  assert.deepEqual(
    messages.map(({ inferResponse }) => int32Output(inferResponse)),
    [[1], [2]],
  );
  assert.deepEqual(plainParameters(messages[0]!.inferResponse), { triton_final_response: true });
});

test('answers come in the order of the requests, also when a later one is ready first', async (context) => {
  const { client, backend } = await start(context);
  const stream = client.stream(modelStreamInfer);
  stream.send(int32Request('held', [1], { id: 'slow' }), int32Request('copy', [2], { id: 'quick' }));
  stream.send(int32Request('nope', [3], { id: 'wrong' }));
  await until(() => backend.executions.length === 2);
  assert.deepEqual(stream.received.messages, []);
  await backend.releaseAll();
  assert.equal(await stream.end(), 'OK');
  assert.deepEqual(stream.received.messages.map(idOf), ['slow', 'quick', 'wrong']);
});

test('errors come in band and the stream goes on', async (context) => {
  const { client } = await start(context);
  const stream = client.stream(modelStreamInfer);
  stream.send(int32Request('nope', [1], { id: 'a' }), int32Request('broken', [1], { id: 'b' }));
  stream.send(int32Request('copy', [1], { id: 'c', parameters: { triton_no: bool(true) } }));
  stream.send(int32Request('copy', [1], { id: 'd' }));
  assert.equal(await stream.end(), 'OK');
  const [unknown, failed, refused, answered] = stream.received.messages;
  assert.equal(unknown!.errorMessage, "Request for unknown model: 'nope' is not found");
  assert.deepEqual([unknown!.inferResponse!.id, unknown!.inferResponse!.modelName], ['a', '']);
  assert.deepEqual(plainParameters(unknown!.inferResponse), {});
  assert.equal(failed!.errorMessage, 'the toy model failed');
  assert.deepEqual([failed!.inferResponse!.id, failed!.inferResponse!.modelName], ['b', 'broken']);
  assert.deepEqual(plainParameters(failed!.inferResponse), { triton_final_response: true });
  assert.match(refused!.errorMessage, /reserved for Triton usage/);
  assert.deepEqual([answered!.errorMessage, answered!.inferResponse!.id], ['', 'd']);
});

test('with triton_grpc_error a failing model ends the stream with its status, and cancels what is in flight', async (context) => {
  const { client, core, backend } = await start(context);
  const requests: { readonly cancelled: boolean }[] = [];
  const { infer } = core;
  core.infer = (request, respond) => {
    requests.push(request.cancellation);
    infer.call(core, request, respond);
  };
  const stream = client.stream(modelStreamInfer, { metadata: { triton_grpc_error: 'true' } });
  stream.send(int32Request('nope', [1]), int32Request('held', [1]), int32Request('broken_decoupled', [1]));
  assert.equal(await stream.received.status, 'INTERNAL the toy model failed');
  assert.equal(stream.received.messages[0]!.errorMessage, "Request for unknown model: 'nope' is not found");
  assert.equal(requests[0]!.cancelled, true);
  await backend.releaseAll();
});

test('a decoupled model sends what it has, and an empty last response only when asked', async (context) => {
  const { client } = await start(context);
  const request = {
    ...int32Request('repeat', [4, 5]),
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [2n] }],
  };
  const stream = client.stream(modelStreamInfer);
  stream.send({ ...request, id: 'plain' });
  stream.send({ ...request, id: 'asked', parameters: { triton_enable_empty_final_response: bool(true) } });
  assert.equal(await stream.end(), 'OK');
  const { messages } = stream.received;
  const summary = messages.map(({ inferResponse }) => [
    inferResponse!.id,
    inferResponse!.rawOutputContents.length === 0 ? undefined : int32Output(inferResponse)[0],
    plainParameters(inferResponse)['triton_final_response'],
  ]);
  assert.deepEqual(summary, [
    ['plain', 4, false],
    ['plain', 5, false],
    ['asked', 4, false],
    ['asked', 5, false],
    ['asked', undefined, true],
  ]);
  assert.deepEqual([messages[4]!.inferResponse!.modelName, messages[4]!.inferResponse!.modelVersion], ['repeat', '']);
});

test('a client that goes away cancels its requests', async (context) => {
  const { client, core, backend } = await start(context);
  const requests: { readonly cancelled: boolean }[] = [];
  const { infer } = core;
  core.infer = (request, respond) => {
    requests.push(request.cancellation);
    infer.call(core, request, respond);
  };
  const stream = client.stream(modelStreamInfer);
  stream.send(int32Request('held', [1]), int32Request('held', [2]));
  await until(() => requests.length === 2);
  stream.call.cancel();
  await until(() => requests.every(({ cancelled }) => cancelled));
  await backend.releaseAll();
});

test('no more is read from a client that asks for too much at once', async (context) => {
  const { client, core, backend } = await start(context, { limits: { maxStreamRequests: 2 } });
  let running = 0;
  let highest = 0;
  const { infer } = core;
  core.infer = (request, respond) => {
    highest = Math.max(highest, ++running);
    infer.call(core, request, (response, final) => {
      if (final) running--;
      respond(response, final);
    });
  };
  const stream = client.stream(modelStreamInfer);
  for (let index = 0; index < 20; index++) stream.send(int32Request('held', [index], { id: String(index) }));
  const ended = stream.end();
  while (stream.received.messages.length < 20) {
    await until(() => backend.held.length > 0 || stream.received.messages.length === 20);
    await backend.releaseAll();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await ended, 'OK');
  assert.deepEqual(
    stream.received.messages.map(idOf),
    Array.from({ length: 20 }, (_, index) => String(index)),
  );
  assert.ok(highest <= 2, `${highest} requests ran at once`);
});

test('a server that stops answers what it has and ends the stream', async (context) => {
  const { client, backend, frontend } = await start(context);
  const stream = client.stream(modelStreamInfer);
  stream.send(int32Request('held', [1], { id: 'a' }));
  await until(() => backend.held.length === 1);
  const closed = frontend.close();
  await backend.releaseAll();
  const refusal = 'GRPC server is shutting down and has stopped accepting new requests.';
  assert.equal(await stream.received.status, `UNAVAILABLE ${refusal}`);
  assert.deepEqual(stream.received.messages.map(idOf), ['a']);
  await closed;
});
