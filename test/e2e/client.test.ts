// One table of cases for every way to call a server: what the HTTP client answers, the gRPC client answers.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type DataInput,
  type DataType,
  float16ToBits,
  HttpClient,
  type InferenceClient,
  InferenceServerError,
  type InferRequest,
} from '@nereid/client';
import { GrpcClient } from '@nereid/client/grpc';
import { nodeTransport } from '@nereid/client/node';
import { BRIGHT_IMAGE, writeAddSub, writeModel, writeTestRepository } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

const root = mkdtempSync(join(tmpdir(), 'nereid-client-'));
let server: RunningServer;

const INPUTS: readonly DataInput[] = [
  { name: 'INPUT0', dataType: 'BOOL', shape: [2], data: [true, false] },
  { name: 'INPUT1', dataType: 'UINT8', shape: [3], data: Uint8Array.of(0, 1, 255) },
  { name: 'INPUT2', dataType: 'UINT16', shape: [2], data: Uint16Array.of(1, 65535) },
  { name: 'INPUT3', dataType: 'UINT32', shape: [1], data: [4294967295] },
  { name: 'INPUT4', dataType: 'UINT64', shape: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
  { name: 'INPUT5', dataType: 'INT8', shape: [2], data: [-128, 127] },
  { name: 'INPUT6', dataType: 'INT16', shape: [2], data: Int16Array.of(-32768, 32767) },
  { name: 'INPUT7', dataType: 'INT32', shape: [2], data: Int32Array.of(-1, 1) },
  { name: 'INPUT8', dataType: 'INT64', shape: [2], data: [-(2n ** 63n), 5] },
  { name: 'INPUT9', dataType: 'FP32', shape: [3], data: Float32Array.of(0.5, Number.NaN, Number.NEGATIVE_INFINITY) },
  { name: 'INPUT10', dataType: 'FP64', shape: [1], data: [0.1] },
  { name: 'INPUT11', dataType: 'BYTES', shape: [3], data: ['héllo', '', 'x\ny'] },
];
const HALVES: readonly DataInput[] = [
  { name: 'INPUT12', dataType: 'FP16', shape: [2], data: [1.5, -65504] },
  { name: 'INPUT13', dataType: 'BF16', shape: [2], data: [1.5, 3e38] },
];

function identityConfig(name: string, types: readonly DataType[], extra = ''): string {
  const tensors = (prefix: string) =>
    types.map((type, index) => {
      const configType = type === 'BYTES' ? 'STRING' : type;
      return `{ name: "${prefix}${index}" data_type: TYPE_${configType} dims: [ -1 ] }`;
    });
  return `name: "${name}"
backend: "identity"
max_batch_size: 0
input [ ${tensors('INPUT').join(', ')} ]
output [ ${tensors('OUTPUT').join(', ')} ]
${extra}
`;
}

function writeIdentity(directory: string, name: string, types: readonly DataType[], extra = ''): void {
  writeModel(directory, name, { 'config.pbtxt': identityConfig(name, types, extra), '1/keep': '' });
}

before(async () => {
  const models = join(root, 'models');
  const types = [...INPUTS, ...HALVES].map(({ dataType }) => dataType);
  writeTestRepository(models);
  writeAddSub(models, 'spare');
  writeIdentity(models, 'all_types', types);
  writeIdentity(models, 'json_types', types.slice(0, INPUTS.length));
  writeIdentity(models, 'raw', ['FP32']);
  writeIdentity(models, 'slow', ['FP32'], 'parameters { key: "execute_delay_ms" value { string_value: "400" } }');
  writeIdentity(models, 'sequence', ['FP32'], 'sequence_batching { }');
  server = await startTestServer([
    `--model-repository=${models}`,
    '--model-control-mode=explicit',
    ...['add_sub', 'image_ensemble', 'all_types', 'json_types', 'raw', 'slow', 'sequence'].map(
      (name) => `--load-model=${name}`,
    ),
    `--import-cache-directory=${join(root, 'imports')}`,
  ]);
});

after(async () => {
  const exitCode = await server.stop();
  rmSync(root, { recursive: true, force: true });
  assert.equal(exitCode, 0, server.log());
});

function grpcUrl(): string {
  const address = /Started GRPCInferenceService at ([\w.:]+)/.exec(server.log())?.[1];
  return address ?? assert.fail(`no gRPC in: ${server.log()}`);
}

const CLIENTS: readonly [name: string, create: () => InferenceClient][] = [
  ['HTTP with fetch', () => new HttpClient({ url: server.httpUrl })],
  ['HTTP with nodeTransport', () => new HttpClient({ url: server.httpUrl, transport: nodeTransport() })],
  ['gRPC', () => new GrpcClient({ url: grpcUrl() })],
];

function addSubRequest(offset = 2): InferRequest {
  const numbers = Int32Array.from({ length: 16 }, (_, index) => index);
  return {
    inputs: [
      { name: 'INPUT0', dataType: 'INT32', shape: [1, 16], data: numbers },
      { name: 'INPUT1', dataType: 'INT32', shape: [1, 16], data: numbers.map(() => offset) },
    ],
  };
}

/** What a call rejects with, apart from the stack. */
async function failure(call: Promise<unknown>): Promise<InferenceServerError> {
  const error = await call.then(
    () => assert.fail('the call succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof InferenceServerError, String(error));
  return error;
}

for (const [name, create] of CLIENTS) {
  describe(name, () => {
    let client: InferenceClient;
    before(() => {
      client = create();
    });
    after(() => client.close());

    test('health', async () => {
      assert.equal(await client.isServerLive(), true);
      assert.equal(await client.isServerReady(), true);
      assert.equal(await client.isModelReady('add_sub'), true);
      assert.equal(await client.isModelReady({ name: 'add_sub', version: 1 }), true);
      assert.equal(await client.isModelReady({ name: 'add_sub', version: 7 }), false);
      assert.equal(await client.isModelReady('no such model'), false);
    });

    test('metadata', async () => {
      const { name: serverName, extensions } = await client.serverMetadata();
      assert.equal(serverName, 'triton');
      assert.ok(extensions.includes('binary_tensor_data'), extensions.join());
      const tensor = (tensorName: string) => ({ name: tensorName, dataType: 'INT32', shape: [-1, 16] });
      assert.deepEqual(await client.modelMetadata({ name: 'add_sub', version: '1' }), {
        name: 'add_sub',
        versions: ['1'],
        platform: 'onnxruntime_onnx',
        inputs: ['INPUT0', 'INPUT1'].map(tensor),
        outputs: ['OUTPUT0', 'OUTPUT1'].map(tensor),
      });
    });

    test('configuration, in one form over every protocol', async () => {
      const config = await client.modelConfig('image_ensemble');
      assert.equal(config.name, 'image_ensemble');
      assert.equal(config.max_batch_size, 8);
      assert.deepEqual(config['input'], [
        {
          name: 'INPUT',
          data_type: 'TYPE_UINT8',
          format: 'FORMAT_NONE',
          dims: [-1],
          is_shape_tensor: false,
          allow_ragged_batch: false,
          optional: false,
          is_non_linear_format_io: false,
        },
      ]);
      const http = new HttpClient({ url: server.httpUrl });
      for (const model of ['image_ensemble', 'add_sub', 'slow', 'sequence']) {
        assert.deepEqual(await client.modelConfig(model), await http.modelConfig(model));
      }
    });

    test('statistics', async () => {
      await client.infer('add_sub', addSubRequest());
      const [before] = await client.statistics('add_sub');
      await client.infer('add_sub', addSubRequest());
      const [after] = await client.statistics({ name: 'add_sub', version: 1 });
      assert.ok(before !== undefined && after !== undefined);
      assert.equal(after.inferenceCount, before.inferenceCount + 1);
      assert.equal(after.inferenceStats.success.count, before.inferenceStats.success.count + 1);
      assert.ok(after.inferenceStats.success.ns > 0 && after.lastInferenceMs > 1.6e12);
      assert.equal(after.batchStats[0]?.batchSize, 1);
      assert.ok((await client.statistics()).length > 5);
    });

    test('adds and subtracts', async () => {
      const result = await client.infer('add_sub', { ...addSubRequest(), id: 'first' });
      assert.equal(result.id, 'first');
      assert.equal(result.modelName, 'add_sub');
      assert.equal(result.modelVersion, '1');
      assert.deepEqual(result.output('OUTPUT0').shape, [1, 16]);
      assert.deepEqual([...result.output('OUTPUT0').as('INT32')].slice(0, 3), [2, 3, 4]);
      assert.deepEqual([...result.output('OUTPUT1').as('INT32')].slice(0, 3), [-2, -1, 0]);
      assert.throws(() => result.output('OUTPUT2'), { code: 'NOT_FOUND' });
      assert.throws(() => result.output('OUTPUT0').as('FP32'), { code: 'INVALID_ARG' });
    });

    test('every data type goes there and back', async () => {
      const inputs = [...INPUTS, ...HALVES];
      const result = await client.infer('all_types', { inputs });
      const back = (index: number) => result.output(`OUTPUT${index}`);
      assert.deepEqual(back(0).booleans(), [true, false]);
      assert.deepEqual(back(1).data, Uint8Array.of(0, 1, 255));
      assert.deepEqual(back(2).data, Uint16Array.of(1, 65535));
      assert.deepEqual(back(3).data, Uint32Array.of(4294967295));
      assert.deepEqual(back(4).data, BigUint64Array.of(0n, 2n ** 64n - 1n));
      assert.deepEqual(back(5).data, Int8Array.of(-128, 127));
      assert.deepEqual(back(6).data, Int16Array.of(-32768, 32767));
      assert.deepEqual(back(7).data, Int32Array.of(-1, 1));
      assert.deepEqual(back(8).data, BigInt64Array.of(-(2n ** 63n), 5n));
      assert.deepEqual(back(9).floats(), Float32Array.of(0.5, Number.NaN, Number.NEGATIVE_INFINITY));
      assert.deepEqual(back(10).data, Float64Array.of(0.1));
      assert.deepEqual(back(11).strings(), ['héllo', '', 'x\ny']);
      assert.deepEqual(back(12).data, float16ToBits([1.5, -65504]));
      assert.deepEqual([...back(12).floats()], [1.5, -65504]);
      assert.equal(back(13).floats()[0], 1.5);
      for (const { name: input, dataType, shape } of inputs) {
        const output = result.output(input.replace('INPUT', 'OUTPUT'));
        assert.deepEqual([output.dataType, output.shape], [dataType, shape]);
      }
    });

    test('every data type that JSON can hold goes there and back in JSON', async () => {
      const finite = INPUTS.map((input) => (input.dataType === 'FP32' ? { ...input, data: [1, 2, 0.1] } : input));
      const inBinary = await client.infer('json_types', { inputs: finite });
      const inJson = await client.infer('json_types', { inputs: finite, binary: false });
      for (const { name: output, data } of inBinary.outputs) assert.deepEqual(inJson.output(output).data, data, output);
    });

    test('empty tensors', async () => {
      const result = await client.infer('raw', {
        inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [0], data: [] }],
      });
      assert.deepEqual(result.output('OUTPUT0').shape, [0]);
      assert.equal(result.output('OUTPUT0').as('FP32').length, 0);
    });

    test('a large tensor, packed and not', async () => {
      const data = Float32Array.from({ length: 1_500_000 }, (_, index) => index % 1000);
      const inputs = [{ name: 'INPUT0', dataType: 'FP32', shape: [data.length], data }] as const;
      for (const options of [
        {},
        { requestCompression: 'gzip', responseCompression: 'deflate' },
        { requestCompression: 'deflate', responseCompression: 'gzip' },
      ] as const) {
        const result = await client.infer('raw', { inputs }, options);
        assert.deepEqual(result.output('OUTPUT0').as('FP32'), data);
      }
    });

    test('a picture through the ensemble, as classes', async () => {
      const result = await client.infer('image_ensemble', {
        inputs: [{ name: 'INPUT', dataType: 'UINT8', shape: [1, BRIGHT_IMAGE.length], data: BRIGHT_IMAGE }],
        outputs: [{ name: 'OUTPUT', classes: 2 }],
      });
      const [items] = result.output('OUTPUT').classes();
      assert.deepEqual(
        items?.map(({ index, label }) => [index, label]),
        [
          [1, 'bright'],
          [0, 'dark'],
        ],
      );
      assert.ok(items[0]!.score > 0.9);
    });

    test('only the outputs that were asked for', async () => {
      const { outputs } = await client.infer('add_sub', { ...addSubRequest(), outputs: ['OUTPUT1'] });
      assert.deepEqual(
        outputs.map((output) => output.name),
        ['OUTPUT1'],
      );
    });

    test('parameters both ways', async () => {
      const inputs = [{ name: 'INPUT0', dataType: 'FP32', shape: [1], data: [1] }] as const;
      const { parameters } = await client.infer('raw', {
        inputs,
        parameters: { text: 'a', flag: true, integer: 3, large: 2n ** 62n, double: 0.5 },
        priority: 0,
        timeoutMicros: 1_000_000,
      });
      assert.deepEqual(
        { ...parameters },
        { param0: 'an example string parameter', param1: 42, param2: false, param3: 123.123 },
      );
    });

    test('sequences, by number and by text', async () => {
      const inputs = [{ name: 'INPUT0', dataType: 'FP32', shape: [1], data: [1] }] as const;
      const send = (sequence?: InferRequest['sequence']) =>
        client.infer('sequence', { inputs, ...(sequence === undefined ? {} : { sequence }) });
      for (const id of [7, 2n ** 63n - 1n, `of ${name}`]) {
        await send({ id, start: true });
        await send({ id });
        await send({ id, end: true });
      }
      const error = await failure(send());
      assert.equal(error.code, 'INVALID_ARG');
      assert.match(error.message, /must specify a non-zero or non-empty correlation ID/);
      assert.equal((await failure(send({ id: 99 }))).code, 'INVALID_ARG');
    });

    test("errors keep the server's text", async () => {
      const unknown = await failure(client.infer('nowhere', addSubRequest()));
      assert.equal(unknown.code, 'NOT_FOUND');
      assert.equal(unknown.message, "Request for unknown model: 'nowhere' is not found");
      assert.equal(unknown.status, name === 'gRPC' ? 5 : 404);
      const { inputs } = addSubRequest();
      const wrong = await failure(client.infer('add_sub', { inputs: inputs.slice(0, 1), id: 'r7' }));
      assert.equal(wrong.code, 'INVALID_ARG');
      assert.match(wrong.message, /^\[request id: r7\] expected 2 inputs but got 1 inputs? for model 'add_sub'/);
    });

    test('mistakes are found before anything is sent', async () => {
      const infer = (input: object) => client.infer('raw', { inputs: [{ name: 'INPUT0', ...input } as DataInput] });
      for (const [input, message] of [
        [{ dataType: 'FP32', shape: [2], data: [1] }, "input 'INPUT0' of type FP32 and shape [2] needs 8 bytes, got 4"],
        [{ dataType: 'UINT8', shape: [1], data: [300] }, "element 0 of input 'INPUT0' is no UINT8: 300"],
        [{ dataType: 'INT32', shape: [1], data: [1.5] }, "element 0 of input 'INPUT0' is no INT32: 1.5"],
        [{ dataType: 'FP32', shape: [-1], data: [1] }, "input 'INPUT0' has impossible shape [-1]"],
        [{ dataType: 'FP8', shape: [1], data: [1] }, "input 'INPUT0' has unknown data type 'FP8'"],
        [
          { dataType: 'FP32', shape: [1], data: new Int8Array(4) },
          "input 'INPUT0' of type FP32 cannot be given as Int8Array",
        ],
        [{ dataType: 'BYTES', shape: [2], data: ['a'] }, "input 'INPUT0' of shape [2] needs 2 elements, got 1"],
      ] as const) {
        const error = await failure(infer(input));
        assert.deepEqual([error.code, error.message, error.status], ['INVALID_ARG', message, undefined]);
      }
      assert.equal((await failure(client.infer('', { inputs: [] }))).code, 'INVALID_ARG');
      assert.equal((await failure(client.modelConfig({ name: 'm', version: 'x/y' }))).code, 'INVALID_ARG');
    });

    test('deadlines and aborts end calls, and spare others', async () => {
      const inputs = [{ name: 'INPUT0', dataType: 'FP32', shape: [1], data: [1] }] as const;
      const late = failure(client.infer('slow', { inputs }, { deadlineMs: 30 }));
      const controller = new AbortController();
      const aborted = failure(client.infer('slow', { inputs }, { signal: controller.signal }));
      const other = client.infer('add_sub', addSubRequest());
      setTimeout(() => controller.abort(new Error('changed my mind')), 30);
      assert.equal((await late).code, 'DEADLINE_EXCEEDED');
      const cancelled = await aborted;
      assert.equal(cancelled.code, 'CANCELLED');
      assert.deepEqual(cancelled.cause, new Error('changed my mind'));
      assert.equal((await failure(client.isServerLive({ signal: AbortSignal.abort() }))).code, 'CANCELLED');
      assert.equal((await other).modelName, 'add_sub');
    });

    test('many calls side by side', async () => {
      const calls = Array.from({ length: 200 }, async (_, index) => {
        const result = await client.infer('add_sub', { ...addSubRequest(index), id: `r${index}` });
        assert.equal(result.id, `r${index}`);
        assert.equal(result.output('OUTPUT0').as('INT32')[0], index);
      });
      await Promise.all(calls);
    });

    test('model control', async () => {
      const entry = async () => (await client.repositoryIndex()).find((model) => model.name === 'spare');
      assert.notEqual((await entry())?.state, 'READY');
      assert.equal(
        (await client.repositoryIndex({ ready: true })).some((model) => model.name === 'spare'),
        false,
      );
      await client.loadModel('spare');
      assert.deepEqual(await entry(), { name: 'spare', version: '1', state: 'READY', reason: '' });

      // A configuration for this load, as an object; then files that exist nowhere else.
      const config = await client.modelConfig('spare');
      await client.loadModel('spare', { config: { ...config, max_batch_size: 4 } });
      assert.equal((await client.modelConfig('spare')).max_batch_size, 4);
      const identity = { backend: 'identity', max_batch_size: 0, ...identityTensors() };
      await client.loadModel('spare', {
        config: JSON.stringify(identity),
        files: { '5/data.bin': Uint8Array.of(0, 255) },
      });
      assert.deepEqual((await client.modelMetadata('spare')).versions, ['5']);

      await client.unloadModel('spare', { unloadDependents: true });
      while ((await entry())?.state === 'UNLOADING' || (await client.isModelReady('spare')))
        await client.isServerLive();
      const missing = await failure(client.loadModel('not_there'));
      assert.equal(missing.code, 'INTERNAL');
      assert.equal(missing.message, "failed to load 'not_there', failed to poll from model repository");
    });

    test('log settings', async () => {
      const settings = await client.logSettings();
      assert.equal(settings.log_info, true);
      const changed = await client.updateLogSettings({ log_verbose_level: 1, log_warning: false });
      assert.deepEqual(changed, { ...settings, log_verbose_level: 1, log_warning: false });
      await client.updateLogSettings({ log_verbose_level: 0, log_warning: true });
      assert.equal((await failure(client.updateLogSettings({ log_file: '/tmp/x' }))).code, 'UNSUPPORTED');
    });

    test('trace settings, global and by model', async () => {
      assert.deepEqual((await client.traceSettings()).trace_level, ['OFF']);
      const changed = await client.updateTraceSettings({ trace_rate: 7, trace_level: ['OFF'] }, 'add_sub');
      assert.equal(changed.trace_rate, '7');
      assert.equal((await client.traceSettings('add_sub')).trace_rate, '7');
      const reset = await client.updateTraceSettings({ trace_rate: null }, 'add_sub');
      assert.deepEqual(reset, await client.traceSettings());
    });

    test('shared memory is off unless the server allows it', async () => {
      assert.deepEqual(await client.systemSharedMemoryStatus(), []);
      assert.deepEqual(await client.cudaSharedMemoryStatus(), []);
      const region = { name: 'region', key: '/nereid-none', byteSize: 64 };
      for (const call of [
        () => client.registerSystemSharedMemory(region),
        () => client.unregisterSystemSharedMemory('region'),
        () => client.unregisterCudaSharedMemory(),
      ]) {
        const error = await failure(call());
        assert.equal(error.code, 'UNSUPPORTED');
        assert.match(error.message, /^Client shared memory is disabled/);
      }
      const cuda = { name: 'r', rawHandle: new Uint8Array(64), deviceId: 0, byteSize: 64 };
      const refused = await failure(client.registerCudaSharedMemory(cuda));
      assert.match(refused.message, /^Client shared memory is disabled|GPUs not supported$/);
    });
  });
}

function identityTensors() {
  const tensor = (name: string) => [{ name, data_type: 'TYPE_FP32', dims: [-1] }];
  return { input: tensor('INPUT0'), output: tensor('OUTPUT0') };
}

describe('HTTP alone', () => {
  let client: HttpClient;
  before(() => {
    client = new HttpClient({ url: `${server.httpUrl}/`, transport: nodeTransport({ maxConnections: 2 }) });
  });
  after(() => client.close());

  test('a raw request: the bytes of the one input and nothing else', async () => {
    const bytes = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    const result = await client.inferRaw('raw', bytes);
    assert.deepEqual(result.output('OUTPUT0').as('FP32'), Float32Array.of(1, 2, 3));
  });

  test('arrays are views into the response', async () => {
    for (const id of ['', 'a', 'ab', 'abc', 'abcd']) {
      const { outputs } = await client.infer('add_sub', { ...addSubRequest(), id });
      for (const output of outputs) assert.equal(output.as('INT32').buffer, output.bytes.buffer);
    }
  });

  test('generate, whole and streamed', async () => {
    const request = { INPUT0: [1, 2.5], parameters: { temperature: 0.5 } };
    const answer = await client.generate('raw', request);
    assert.deepEqual(answer['OUTPUT0'], [1, 2.5]);
    assert.equal(answer['model_name'], 'raw');
    const events = [];
    for await (const event of client.generateStream('raw', request)) events.push(event);
    assert.deepEqual(events, [answer]);
    const error = await failure(client.generate('raw', { INPUT0: 'text' }));
    assert.equal(error.status, 500);
    assert.equal((await failure(client.generateStream('nowhere', request).next())).code, 'NOT_FOUND');
    assert.equal((await failure(client.generateStream('raw', { INPUT0: 'x' }).next())).message, error.message);
  });

  test('names are one part of a path, whatever is in them', async () => {
    for (const model of ['..', '.', '']) {
      assert.equal((await failure(client.loadModel(model))).code, 'INVALID_ARG');
    }
    const error = await failure(client.modelMetadata('a/../../b?c#d'));
    assert.deepEqual([error.code, error.status], ['NOT_FOUND', 404]);
  });
});

describe('gRPC alone', () => {
  test('a stream takes requests for any models and goes on after errors', async () => {
    const client = new GrpcClient({ url: grpcUrl() });
    const stream = await client.stream();
    await stream.send('add_sub', { ...addSubRequest(5), id: 'a' });
    await stream.send('nowhere', { ...addSubRequest(), id: 'b' });
    await stream.send('add_sub', { ...addSubRequest(6), id: 'c' });
    stream.end();
    const answers = new Map<string, string>();
    for await (const { id, result, error } of stream) {
      if (error !== undefined) answers.set(id, error.message);
      else answers.set(id, String(result.output('OUTPUT0').as('INT32')[0]));
    }
    assert.deepEqual(
      answers,
      new Map([
        ['a', '5'],
        ['b', "Request for unknown model: 'nowhere' is not found"],
        ['c', '6'],
      ]),
    );
    await assert.rejects(stream.send('add_sub', addSubRequest()), { code: 'INVALID_ARG' });
    client.close();
  });

  test('one request, its responses as they come', async () => {
    const client = new GrpcClient({ url: `grpc://${grpcUrl()}` });
    const values = [];
    for await (const result of client.inferStream('add_sub', addSubRequest(9))) {
      values.push(result.output('OUTPUT0').as('INT32')[0]);
    }
    assert.deepEqual(values, [9]);
    assert.equal((await failure(client.inferStream('nowhere', addSubRequest()).next())).code, 'UNKNOWN');
    assert.equal(
      (await failure(client.inferStream('slow', addSubRequest(), { deadlineMs: 0 }).next())).code,
      'DEADLINE_EXCEEDED',
    );
    client.close();
  });
});
