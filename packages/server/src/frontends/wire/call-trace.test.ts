import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { systemClock } from '../../core/clock.ts';
import { ensemble, toyModel } from '../../core/test-support/configs.ts';
import { startCore } from '../../core/test-support/harness.ts';
import { Tracer } from '../../observability/index.ts';
import { GrpcClient } from '../grpc/test-support/grpc-client.ts';
import { bool, int32Request, plainParameters, string } from '../grpc/test-support/messages.ts';
import { startGrpc } from '../grpc/test-support/start-grpc.ts';
import { createHttpFrontend } from '../http/index.ts';
import { createSagemakerFrontend } from '../sagemaker/index.ts';
import { FakeLogControl, SILENT } from '../test-support/frontends.ts';
import { type Call, call } from '../test-support/http-client.ts';

const MODELS = [
  toyModel('copy'),
  toyModel('broken', { behaviour: 'fail' }),
  ensemble('chain', [
    { model: 'copy', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'MIDDLE' } },
    { model: 'copy', inputs: { INPUT0: 'MIDDLE' }, outputs: { OUTPUT0: 'OUT' } },
  ]),
];

async function start(context: TestContext, levels: readonly 'TIMESTAMPS'[] = []) {
  const { core } = await startCore(MODELS, { clock: systemClock });
  const file = join(tmpdir(), `nereid-trace-${randomUUID()}`);
  const tracer = new Tracer({ settings: { levels, rate: 1, file }, log: SILENT });
  const address = { host: '127.0.0.1', port: 0, log: SILENT, tracer };
  const http = createHttpFrontend(core, {
    ...address,
    logControl: new FakeLogControl(),
    traceControl: tracer.control,
  });
  const settings = { pingMode: 'ready', defaultModelName: 'chain', inferenceType: 'infer' } as const;
  const sagemaker = createSagemakerFrontend(core, { ...address, settings });
  const ports = { http: (await http.listen()).port, sagemaker: (await sagemaker.listen()).port };
  const { port } = await startGrpc(context, core, { tracer });
  context.after(async () => {
    for (const frontend of [http, sagemaker]) {
      frontend.destroy();
      await frontend.close();
    }
    rmSync(file, { force: true });
  });
  const infer = (model: string, input: string, parameters: object = {}, more: Call = {}) =>
    call(ports.http, `/v2/models/${model}/infer`, { body: body(input, parameters), ...more });
  const names = async (): Promise<string[]> => {
    await tracer.close();
    const entries: { timestamps?: { name: string }[] }[] = JSON.parse(readFileSync(file, 'utf8'));
    return entries.flatMap(({ timestamps }) => timestamps?.map(({ name }) => name) ?? []);
  };
  return { ports, tracer, client: new GrpcClient(context, port), infer, names };
}

function body(input: string, parameters: object = {}): string {
  return JSON.stringify({ inputs: [{ name: input, shape: [1, 2], datatype: 'INT32', data: [1, 2] }], parameters });
}

const timingOf = (text: string) => JSON.parse(JSON.parse(text).parameters.nereid_timing);

test('a client that asks is told where the time went, step by step', async (context) => {
  const { infer } = await start(context);
  const { text } = await infer('chain', 'IN', { nereid_timing: true });
  const timing = timingOf(text);
  assert.deepEqual(
    [timing.model, timing.version, timing.start_us, timing.queue_us, timing.compute_infer_us],
    ['chain', 1, 0, 0, 0],
  );
  assert.deepEqual(
    timing.steps.map(({ step, model, version }: Record<string, unknown>) => [step, model, version]),
    [
      [0, 'copy', 1],
      [1, 'copy', 1],
    ],
  );
  for (const each of [timing, ...timing.steps]) {
    const parts = ['queue_us', 'compute_input_us', 'compute_infer_us', 'compute_output_us'].map((name) => each[name]);
    assert.ok(parts.every((micros) => Number.isInteger(micros) && micros >= 0));
    assert.ok(parts.reduce((sum, micros) => sum + micros, 0) <= each.total_us + 4, 'parts round by half a microsecond');
  }
  assert.ok(timing.steps[1].start_us >= timing.steps[0].start_us);
  assert.deepEqual(JSON.parse(text).outputs[0].data, [1, 2]);
});

test('nobody else is told, and the parameter must be a boolean', async (context) => {
  const { infer, client } = await start(context);
  assert.ok(!(await infer('chain', 'IN')).text.includes('nereid_timing'));
  assert.ok(!(await infer('chain', 'IN', { nereid_timing: false })).text.includes('nereid_timing'));
  const wrong = await infer('chain', 'IN', { nereid_timing: 'yes' });
  const message = "parameter 'nereid_timing' has invalid type. It should be 'bool'.";
  assert.deepEqual([wrong.status, JSON.parse(wrong.text).error], [400, message]);
  const request = int32Request('copy', [1], { parameters: { nereid_timing: string('x') } });
  assert.equal(await client.failure(GRPCInferenceService.method.modelInfer, request), `INVALID_ARGUMENT ${message}`);
});

test('raw requests ask by a header; SageMaker, generate and gRPC answer as well', async (context) => {
  const { infer, ports, client } = await start(context);
  const headers = { 'Nereid-Timing': 'true', 'Inference-Header-Content-Length': '0' };
  const raw = await infer('copy', '', {}, { headers, body: new Uint8Array(8) });
  const jsonLength = Number(raw.headers['inference-header-content-length']);
  assert.equal(timingOf(raw.body.subarray(0, jsonLength).toString()).model, 'copy');
  const invoked = await call(ports.sagemaker, '/invocations', { body: body('IN', { nereid_timing: true }) });
  assert.equal(timingOf(invoked.text).steps.length, 2);
  const generated = await call(ports.http, '/v2/models/copy/generate', { body: '{"INPUT0":[1],"nereid_timing":true}' });
  assert.equal(JSON.parse(JSON.parse(generated.text).nereid_timing).model, 'copy');
  const { modelInfer, modelStreamInfer } = GRPCInferenceService.method;
  const request = int32Request('copy', [1], { parameters: { nereid_timing: bool(true) } });
  const answer = plainParameters(await client.unary(modelInfer, request));
  assert.equal(JSON.parse(String(answer['nereid_timing'])).model, 'copy');
  const stream = client.stream(modelStreamInfer);
  stream.send(request);
  await stream.end();
  const streamed = plainParameters(stream.received.messages[0]?.inferResponse);
  assert.equal(JSON.parse(String(streamed['nereid_timing'])).model, 'copy');
});

test('a traced request carries the marks of its front end', async (context) => {
  const { infer, names } = await start(context, ['TIMESTAMPS']);
  assert.equal((await infer('copy', 'INPUT0')).status, 200);
  assert.deepEqual(await names(), [
    'HTTP_RECV_START',
    'HTTP_RECV_END',
    'REQUEST_START',
    'QUEUE_START',
    'COMPUTE_START',
    'COMPUTE_INPUT_END',
    'COMPUTE_OUTPUT_START',
    'COMPUTE_END',
    'REQUEST_END',
    'INFER_RESPONSE_COMPLETE',
    'HTTP_SEND_START',
    'HTTP_SEND_END',
  ]);
});

test('gRPC, generate and SageMaker are traced as well, failures too', async (context) => {
  const { infer, ports, client, names } = await start(context, ['TIMESTAMPS']);
  await client.unary(GRPCInferenceService.method.modelInfer, int32Request('copy', [1]));
  await call(ports.http, '/v2/models/copy/generate', { body: '{"INPUT0":[1]}' });
  await call(ports.sagemaker, '/invocations', { body: body('IN') });
  assert.notEqual((await infer('broken', 'INPUT0')).status, 200);
  assert.equal((await infer('copy', 'WRONG')).status, 400);
  const counts = new Map<string, number>();
  for (const name of await names()) counts.set(name, (counts.get(name) ?? 0) + 1);
  assert.equal(counts.get('GRPC_WAITREAD_START'), 1);
  assert.equal(counts.get('GRPC_SEND_END'), 1);
  assert.equal(counts.get('HTTP_RECV_START'), 4);
  assert.equal(counts.get('HTTP_SEND_END'), 4, 'also of the request that was refused');
  assert.equal(counts.get('REQUEST_END'), 6, 'two of them steps');
});

test('tracing is turned on and off while the server runs, by model', async (context) => {
  const { infer, ports, tracer } = await start(context);
  assert.equal(tracer.active, false);
  const change = (model: string, settings: object) =>
    call(ports.http, `/v2${model === '' ? '' : `/models/${model}`}/trace/setting`, { body: JSON.stringify(settings) });
  const shown = await change('copy', { trace_level: ['TIMESTAMPS'], trace_count: '2' });
  assert.equal(JSON.parse(shown.text).trace_count, '2');
  await infer('chain', 'IN');
  await infer('copy', 'INPUT0');
  const settings = await call(ports.http, '/v2/models/copy/trace/setting');
  assert.equal(JSON.parse(settings.text).trace_count, '1', 'requests to other models do not count');
  await change('copy', { trace_level: null, trace_count: null });
  assert.equal(tracer.active, false);
  const moved = await change('', { trace_file: '/etc/passwd' });
  assert.equal(moved.status, 501);
});
