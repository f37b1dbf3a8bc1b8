import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Logger, RequestTrace } from '../../inference/index.ts';
import type { TraceSettings } from './settings.ts';
import { Tracer } from './tracer.ts';

const SILENT: Logger = { error() {}, warning() {}, info() {}, verbose() {} };

interface Entry {
  readonly id: number;
  readonly model_name?: string;
  readonly model_version?: number;
  readonly request_id?: string;
  readonly parent_id?: number;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
  readonly activity?: string;
  readonly tensor?: Record<string, string>;
}

function makeTracer(context: TestContext, settings: Partial<TraceSettings> = {}, log: Logger = SILENT) {
  const directory = join(tmpdir(), `nereid-trace-${randomUUID()}`);
  mkdirSync(directory);
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'trace.json');
  const tracer = new Tracer({ settings: { levels: ['TIMESTAMPS'], rate: 1, file, ...settings }, log });
  const read = (suffix = ''): Entry[] => JSON.parse(readFileSync(file + suffix, 'utf8'));
  return { tracer, file, read };
}

/** As the core and a front end fill it: an ensemble of one step. */
function fill(trace: RequestTrace, options: { readonly model?: string; readonly requestId?: string } = {}): void {
  trace.mark('HTTP_RECV_START', 90);
  trace.modelName = options.model ?? 'ensemble';
  trace.modelVersion = 1;
  trace.requestId = options.requestId ?? '';
  trace.startNs = 100;
  trace.queueStartNs = 110;
  const step = trace.child(0);
  Object.assign(step, { modelName: 'step', modelVersion: 3, startNs: 120, queueStartNs: 130, computeStartNs: 140 });
  Object.assign(step, { computeInputEndNs: 150, computeOutputStartNs: 160, endNs: 170 });
  trace.endNs = 200;
  trace.mark('HTTP_SEND_END', 210);
}

function traceOne(tracer: Tracer, model = 'ensemble', options: Parameters<typeof fill>[1] = {}): boolean {
  const trace = tracer.begin(model, {});
  if (trace === undefined) return false;
  fill(trace, options);
  tracer.end(trace);
  return true;
}

const names = (entries: readonly Entry[], id: number): string[] =>
  entries.filter((entry) => entry.id === id).flatMap(({ timestamps }) => timestamps?.map(({ name }) => name) ?? []);

test("a request and its steps in Triton's form", async (context) => {
  const { tracer, read } = makeTracer(context);
  assert.equal(traceOne(tracer, 'ensemble', { requestId: 'q' }), true);
  await tracer.close();
  const entries = read();
  assert.deepEqual(
    entries.filter(({ model_name }) => model_name !== undefined),
    [
      { id: 1, model_name: 'ensemble', model_version: 1, request_id: 'q' },
      { id: 2, model_name: 'step', model_version: 3, parent_id: 1 },
    ],
  );
  assert.deepEqual(names(entries, 1), [
    'HTTP_RECV_START',
    'REQUEST_START',
    'QUEUE_START',
    'REQUEST_END',
    'HTTP_SEND_END',
  ]);
  assert.deepEqual(names(entries, 2), [
    'REQUEST_START',
    'QUEUE_START',
    'COMPUTE_START',
    'COMPUTE_INPUT_END',
    'COMPUTE_OUTPUT_START',
    'COMPUTE_END',
    'REQUEST_END',
  ]);
  assert.deepEqual(entries[0], { id: 1, timestamps: [{ name: 'HTTP_RECV_START', ns: 90 }] });
});

test('tensors, with contents of every type', async (context) => {
  const { tracer, read } = makeTracer(context, { levels: ['TENSORS'] });
  const trace = tracer.begin('m', {})!;
  Object.assign(trace, { modelName: 'm', modelVersion: 1, startNs: 1, endNs: 2 });
  const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer);
  const tensor = (dataType: 'FP32' | 'INT8' | 'BOOL' | 'INT64' | 'FP16' | 'BYTES' | 'UINT8', data: Uint8Array) => ({
    name: dataType,
    dataType,
    shape: [1, data.byteLength],
    data,
  });
  trace.addTensors('TENSOR_QUEUE_INPUT', [
    tensor('FP32', bytes(Float32Array.of(0.1, 1, -0, 1e-5, 1234567, 100000, Number.NaN, Number.POSITIVE_INFINITY))),
    tensor('INT8', bytes(Int8Array.of(-1, 65))),
    tensor('BOOL', Uint8Array.of(0, 1)),
    undefined,
  ]);
  trace.addTensors('TENSOR_BACKEND_OUTPUT', [
    tensor('INT64', bytes(BigInt64Array.of(-(2n ** 63n)))),
    tensor('FP16', new Uint8Array(4)),
    tensor('BYTES', Buffer.from([3, 0, 0, 0, 97, 34, 10, 200, 0, 0, 0, 1])),
    tensor('UINT8', new Uint8Array(2 ** 18 + 1)),
  ]);
  tracer.end(trace);
  await tracer.close();
  const texts = read().flatMap(({ activity, tensor: described }) =>
    described === undefined ? [] : [[activity, described['dtype'], described['data'], described['shape']]],
  );
  assert.deepEqual(texts.slice(0, 6), [
    ['TENSOR_QUEUE_INPUT', 'FP32', '0.1,1,-0,1e-05,1.23457e+06,100000,nan,inf', '1,32'],
    ['TENSOR_QUEUE_INPUT', 'INT8', '-1,65', '1,2'],
    ['TENSOR_QUEUE_INPUT', 'BOOL', '0,1', '1,2'],
    ['TENSOR_BACKEND_OUTPUT', 'INT64', '-9223372036854775808', '1,8'],
    ['TENSOR_BACKEND_OUTPUT', 'FP16', '', '1,4'],
    ['TENSOR_BACKEND_OUTPUT', 'BYTES', '"a"\n"', '1,12'],
  ]);
  assert.match(texts[6]![2]!, /^0,0,.*,0,…$/);
});

test('names and ids from a client cannot leave their place in the file', async (context) => {
  const { tracer, read } = makeTracer(context);
  const hostile = '"},{"id":99,"model_name":"forged"}]\r\n\u001b[2J\u2028';
  traceOne(tracer, hostile, { model: hostile, requestId: hostile });
  await tracer.close();
  const entries = read();
  assert.deepEqual(
    entries.flatMap(({ model_name, request_id }) => (model_name === undefined ? [] : [[model_name, request_id]])),
    [
      [hostile, hostile],
      ['step', undefined],
    ],
  );
  assert.ok(entries.every(({ id }) => id < 3));
});

test('files with a number each `log_frequency` traces, what is left at the end too', async (context) => {
  const { tracer, read, file } = makeTracer(context, { logFrequency: 2 });
  for (let index = 0; index < 5; index++) traceOne(tracer);
  await tracer.close();
  const requests = (suffix: string) => read(suffix).filter(({ model_name }) => model_name === 'ensemble').length;
  assert.deepEqual([requests('.0'), requests('.1'), requests('.2')], [2, 2, 1]);
  assert.equal(existsSync(file), false);
});

test('all that `trace_count` asked for lie together in a file with a number', async (context) => {
  const { tracer, read, file } = makeTracer(context, { count: 2 });
  assert.deepEqual([traceOne(tracer), traceOne(tracer), traceOne(tracer)], [true, true, false]);
  assert.equal(tracer.control.settings('').count, 0);
  await tracer.close();
  assert.equal(read('.0').filter(({ model_name }) => model_name === 'ensemble').length, 2);
  assert.equal(existsSync(file), false);
});

test('settings that are replaced leave their traces behind, and the file stays whole', async (context) => {
  const { tracer, read } = makeTracer(context, { count: 10 });
  traceOne(tracer);
  tracer.control.update('', { count: null, levels: [] });
  assert.equal(tracer.active, false);
  assert.equal(traceOne(tracer), false);
  tracer.control.update('', { levels: ['TIMESTAMPS'], count: -1 });
  traceOne(tracer);
  await tracer.close();
  assert.deepEqual(
    read().flatMap(({ id, model_name }) => (model_name === 'ensemble' ? [id] : [])),
    [1, 3],
  );
});

test('a file that cannot be written is said in the log, and requests go on', async (context) => {
  const errors: string[] = [];
  const log: Logger = { ...SILENT, error: (message) => void errors.push(message) };
  const { tracer } = makeTracer(context, { file: '/nowhere/trace.json' }, log);
  assert.equal(traceOne(tracer), true);
  await tracer.close();
  assert.match(errors.join(), /^failed creating trace file: ENOENT/);
});

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly events: readonly { readonly name: string }[];
  readonly startTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

/** A collector that keeps what it is sent. */
async function startCollector(context: TestContext, status = 200) {
  const spans: Span[] = [];
  const resources: unknown[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
      for (const { resource, scopeSpans } of resourceSpans) {
        resources.push(...resource.attributes);
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      res.writeHead(status).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return { spans, resources, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
}

test('OpenTelemetry: a span for the request, one for each model, one for its compute; the client trace goes on', async (context) => {
  const { spans, resources, url } = await startCollector(context);
  const openTelemetry = new Map([
    ['url', url],
    ['resource', 'service.name=ours,deployment=test'],
  ]);
  const { tracer } = makeTracer(context, { mode: 'opentelemetry', rate: 0, openTelemetry });
  await tracer.start();
  assert.equal(tracer.begin('ensemble', {}), undefined);
  assert.equal(tracer.begin('ensemble', { traceparent: `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01` }), undefined);
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const trace = tracer.begin('ensemble', { traceparent })!;
  fill(trace, { requestId: 'q' });
  tracer.end(trace);
  await tracer.close();
  const byName = new Map(spans.map((span) => [span.name, span]));
  assert.deepEqual([...byName.keys()].sort(), ['InferRequest', 'compute', 'ensemble', 'step']);
  const [request, ensemble, step, compute] = ['InferRequest', 'ensemble', 'step', 'compute'].map(
    (name) => byName.get(name)!,
  );
  assert.deepEqual([request!.traceId, request!.parentSpanId], ['a'.repeat(32), 'b'.repeat(16)]);
  assert.deepEqual(
    [ensemble!.parentSpanId, step!.parentSpanId, compute!.parentSpanId],
    [request!.spanId, ensemble!.spanId, step!.spanId],
  );
  assert.deepEqual(
    compute!.events.map(({ name }) => name),
    ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'],
  );
  assert.equal(BigInt(step!.startTimeUnixNano) - BigInt(ensemble!.startTimeUnixNano), 20n);
  const attributes = Object.fromEntries(step!.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  assert.equal(attributes['triton.model_name'], 'step');
  assert.equal(Number(attributes['triton.model_version']), 3);
  assert.equal(Number(attributes['nereid.ensemble_step']), 0);
  assert.ok(JSON.stringify(resources).includes('"ours"'));
});

test('OpenTelemetry: settings that cannot be used, and a collector that refuses', async (context) => {
  const start = (settings: [string, string][], log?: Logger) => {
    const { tracer } = makeTracer(context, { mode: 'opentelemetry', openTelemetry: new Map(settings) }, log);
    return { tracer, started: tracer.start() };
  };
  await assert.rejects(start([['url', 'nowhere']]).started, {
    message: "--trace-config opentelemetry,url: invalid value 'nowhere'",
  });
  await assert.rejects(start([['bsp_schedule_delay', '-1']]).started, { code: 'INVALID_ARG' });
  await assert.rejects(start([['resource', 'name']]).started, { code: 'INVALID_ARG' });
  const warnings: string[] = [];
  const log: Logger = { ...SILENT, warning: (message) => void warnings.push(message) };
  const { url } = await startCollector(context, 400);
  const { tracer, started } = start([['url', url]], log);
  await started;
  traceOne(tracer);
  traceOne(tracer);
  await tracer.close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^failed to send traces to the OpenTelemetry collector: /);
});
