import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Health, HealthCheckResponse_ServingStatus as Serving } from '@nereid/protocol/grpc-health';
import { ServerReflection } from '@nereid/protocol/grpc-reflection';
import { ServerReflection as ServerReflectionAlpha } from '@nereid/protocol/grpc-reflection-v1alpha';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { toyModel } from '../../core/test-support/configs.ts';
import { startCore, type TestCore } from '../../core/test-support/harness.ts';
import { TraceSettingsStore } from '../../observability/index.ts';
import type { GrpcFrontendOptions } from './index.ts';
import { GrpcClient } from './test-support/grpc-client.ts';
import { int32Request } from './test-support/messages.ts';
import { FakeLogControl, startGrpc } from './test-support/start-grpc.ts';

const methods = GRPCInferenceService.method;

async function start(
  context: TestContext,
  options: Partial<GrpcFrontendOptions> = {},
): Promise<TestCore & { readonly client: GrpcClient }> {
  let nowNs = 0;
  const clock = { nowNs: () => (nowNs += 10), schedule: () => () => {} };
  const test = await startCore([toyModel('copy'), toyModel('other', { maxBatchSize: 0 })], { clock });
  const { port } = await startGrpc(context, test.core, options);
  return { ...test, client: new GrpcClient(context, port) };
}

test('health and metadata', async (context) => {
  const { client } = await start(context);
  assert.equal((await client.unary(methods.serverLive, {})).live, true);
  assert.equal((await client.unary(methods.serverReady, {})).ready, true);
  assert.equal((await client.unary(methods.modelReady, { name: 'copy', version: '1x' })).ready, true);
  assert.equal(
    await client.failure(methods.modelReady, { name: 'nope' }),
    "NOT_FOUND Request for unknown model: 'nope' is not found",
  );
  assert.equal((await client.unary(methods.serverMetadata, {})).name, 'test');
  const metadata = await client.unary(methods.modelMetadata, { name: 'copy' });
  assert.deepEqual([metadata.name, metadata.versions, metadata.platform], ['copy', ['1'], 'toy']);
  assert.deepEqual(
    metadata.inputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
    [['INPUT0', 'INT32', [-1n, -1n]]],
  );
  const other = await client.unary(methods.modelMetadata, { name: 'other', version: '1' });
  assert.deepEqual(other.outputs[0]!.shape, [-1n]);
  const { config } = await client.unary(methods.modelConfig, { name: 'copy' });
  assert.deepEqual([config!.name, config!.maxBatchSize], ['copy', 8]);
});

test('statistics', async (context) => {
  const { client } = await start(context);
  await client.unary(methods.modelInfer, int32Request('copy', [1]));
  const { modelStats } = await client.unary(methods.modelStatistics, { name: 'copy' });
  assert.deepEqual(
    modelStats.map(({ name, version, inferenceCount, executionCount }) => [
      name,
      version,
      inferenceCount,
      executionCount,
    ]),
    [['copy', '1', 1n, 1n]],
  );
  assert.equal(modelStats[0]!.inferenceStats!.success!.count, 1n);
  assert.deepEqual(
    modelStats[0]!.batchStats.map(({ batchSize, computeInfer }) => [batchSize, computeInfer!.count]),
    [[1n, 1n]],
  );
  assert.equal((await client.unary(methods.modelStatistics, {})).modelStats.length, 2);
});

test('model control', async (context) => {
  const { client, core } = await start(context);
  const calls: unknown[] = [];
  core.loadModel = async (name, overrides) => {
    calls.push(name, overrides);
  };
  core.unloadModel = async (name, options) => {
    calls.push(name, options);
  };
  const { models } = await client.unary(methods.repositoryIndex, {});
  assert.deepEqual(
    models.map(({ name, version, state }) => [name, version, state]),
    [
      ['copy', '1', 'READY'],
      ['other', '1', 'READY'],
    ],
  );
  await client.unary(methods.repositoryModelLoad, { modelName: 'copy' });
  await client.unary(methods.repositoryModelLoad, {
    modelName: 'copy',
    parameters: {
      config: { parameterChoice: { case: 'stringParam', value: '{}' } },
      'file:1/model.onnx': { parameterChoice: { case: 'bytesParam', value: Uint8Array.of(1, 2) } },
    },
  });
  await client.unary(methods.repositoryModelUnload, {
    modelName: 'copy',
    parameters: { unload_dependents: { parameterChoice: { case: 'boolParam', value: true } } },
  });
  const [, none, , overrides, , options] = calls;
  assert.equal(none, undefined);
  assert.deepEqual(overrides, { config: '{}', files: new Map([['1/model.onnx', Buffer.of(1, 2)]]) });
  assert.deepEqual(options, { unloadDependents: true });
  const load = (name: string) =>
    client.failure(methods.repositoryModelLoad, {
      modelName: 'copy',
      parameters: { [name]: { parameterChoice: { case: 'int64Param', value: 1n } } },
    });
  assert.equal(
    await load('config'),
    "INVALID_ARGUMENT invalid value type for load parameter 'config', expected string_param.",
  );
  assert.equal(
    await load('file:x'),
    "INVALID_ARGUMENT invalid value type for load parameter 'file:x', expected bytes_param.",
  );
  assert.equal(await load('constructor'), "INVALID_ARGUMENT unrecognized load parameter 'constructor'.");
  const refusal = "UNIMPLEMENTED 'repository_name' specification is not supported";
  assert.equal(await client.failure(methods.repositoryIndex, { repositoryName: 'x' }), refusal);
  assert.equal(await client.failure(methods.repositoryModelLoad, { repositoryName: 'x' }), refusal);
  assert.equal(await client.failure(methods.repositoryModelUnload, { repositoryName: 'x' }), refusal);
});

test('log settings', async (context) => {
  const logControl = new FakeLogControl();
  const { client } = await start(context, { logControl });
  const set = (
    name: string,
    parameterChoice:
      | { case: 'boolParam'; value: boolean }
      | { case: 'stringParam'; value: string }
      | { case: 'uint32Param'; value: number },
  ) => client.failure(methods.logSettings, { settings: { [name]: { parameterChoice } } });
  assert.equal(await set('log_info', { case: 'boolParam', value: false }), 'OK');
  assert.equal(await set('log_verbose_level', { case: 'uint32Param', value: 3 }), 'OK');
  assert.equal(await set('log_format', { case: 'stringParam', value: 'ISO8601' }), 'OK');
  assert.deepEqual(
    [logControl.settings.infoEnabled, logControl.settings.verboseLevel, logControl.settings.format],
    [false, 3, 'ISO8601'],
  );
  assert.equal(
    await set('log_format', { case: 'stringParam', value: 'x' }),
    'INVALID_ARGUMENT invalid argument for log_format, got: x',
  );
  assert.equal(
    await set('log_error', { case: 'stringParam', value: 'x' }),
    "INVALID_ARGUMENT expect boolean for 'log_error'",
  );
  assert.equal(
    await set('log_file', { case: 'stringParam', value: '/etc/passwd' }),
    'UNIMPLEMENTED log file location can not be updated through network protocol',
  );
  const { settings } = await client.unary(methods.logSettings, {});
  assert.deepEqual(settings['log_warning']!.parameterChoice, { case: 'boolParam', value: true });
});

test('trace settings', async (context) => {
  const traceControl = new TraceSettingsStore({ file: '/tmp/trace.json' });
  const { client } = await start(context, { traceControl });
  const change = (settings: Record<string, string[]>, modelName = '') =>
    client.failure(methods.traceSetting, {
      modelName,
      settings: Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, { value }])),
    });
  assert.equal(
    await change({
      trace_level: ['TIMESTAMPS', 'TENSORS'],
      trace_rate: ['5'],
      trace_count: ['7'],
      log_frequency: ['2'],
    }),
    'OK',
  );
  const { levels, rate, count, logFrequency } = traceControl.settings('');
  assert.deepEqual([levels, rate, count, logFrequency], [['TIMESTAMPS', 'TENSORS'], 5, 7, 2]);
  assert.equal(await change({ trace_rate: ['9'] }, 'copy'), 'OK');
  assert.deepEqual([traceControl.settings('copy').rate, traceControl.settings('').rate], [9, 5]);
  assert.equal(await change({ trace_rate: [], trace_level: ['OFF'] }), 'OK');
  assert.deepEqual([traceControl.settings('').rate, traceControl.settings('').levels], [1000, []]);
  const cases: readonly (readonly [Record<string, string[]>, string])[] = [
    [{ trace_file: ['x'] }, 'UNIMPLEMENTED trace file location can not be updated through network protocol'],
    [{ trace_level: ['OFF', 'TENSORS'] }, "INVALID_ARGUMENT Expect only one trace level 'OFF' is specified"],
    [{ trace_rate: ['x'] }, "INVALID_ARGUMENT Unable to parse 'trace_rate', got: x"],
    [{ trace_rate: ['1', '2'] }, "INVALID_ARGUMENT expect only 1 value for 'trace_rate'"],
    [{ trace_count: ['-2'] }, "INVALID_ARGUMENT Unable to parse 'trace_count'. Expecting value >= -1, got: -2"],
    [
      { trace_count: ['99999999999'] },
      "INVALID_ARGUMENT Unable to parse 'trace_count', value is out of range [ -1, 2147483647 ], got: 99999999999",
    ],
  ];
  for (const [settings, text] of cases) assert.equal(await change(settings), text);
  const answer = await client.unary(methods.traceSetting, {});
  assert.deepEqual(answer.settings['trace_mode']!.value, ['triton']);
  assert.deepEqual((await client.unary(methods.traceSetting, { modelName: 'nope' })).settings, {});
});

test('shared memory is off', async (context) => {
  const { client } = await start(context);
  const disabled =
    "UNIMPLEMENTED Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.";
  assert.deepEqual((await client.unary(methods.systemSharedMemoryStatus, {})).regions, {});
  assert.deepEqual((await client.unary(methods.cudaSharedMemoryStatus, {})).regions, {});
  assert.equal(
    await client.failure(methods.systemSharedMemoryStatus, { name: 'r' }),
    "NOT_FOUND Unable to find system shared memory region: 'r'",
  );
  assert.equal(
    await client.failure(methods.cudaSharedMemoryStatus, { name: 'r' }),
    "NOT_FOUND Unable to find cuda shared memory region: 'r'",
  );
  assert.equal(
    await client.failure(methods.systemSharedMemoryRegister, { name: 'r', key: '/k', byteSize: 1n }),
    disabled,
  );
  assert.equal(await client.failure(methods.systemSharedMemoryUnregister, {}), disabled);
  assert.equal(await client.failure(methods.cudaSharedMemoryUnregister, {}), disabled);
  assert.equal(
    await client.failure(methods.cudaSharedMemoryRegister, { name: 'c' }),
    "INVALID_ARGUMENT failed to register CUDA shared memory region: 'c', GPUs not supported",
  );
});

test('health can be checked and watched', async (context) => {
  const { client, core } = await start(context);
  assert.equal((await client.unary(Health.method.check, { service: 'any' })).status, Serving.SERVING);
  const watch = client.serverStream(Health.method.watch, {});
  await watch.count(1);
  core.isReady = () => false;
  await watch.count(2);
  assert.deepEqual(
    watch.messages.map(({ status }) => status),
    [Serving.SERVING, Serving.NOT_SERVING],
  );
  assert.equal((await client.unary(Health.method.check, {})).status, Serving.NOT_SERVING);
});

test('watching ends when the server stops', async (context) => {
  const { core } = await startCore([toyModel('copy')]);
  const { port, frontend } = await startGrpc(context, core);
  const watch = new GrpcClient(context, port).serverStream(Health.method.watch, {});
  await watch.count(1);
  const closed = frontend.close();
  assert.equal(await watch.status, 'UNAVAILABLE Server is stopping');
  assert.equal(watch.messages.at(-1)!.status, Serving.NOT_SERVING);
  await closed;
});

test('reflection tells services, files and symbols, in both versions', async (context) => {
  const { client } = await start(context);
  for (const method of [
    ServerReflection.method.serverReflectionInfo,
    ServerReflectionAlpha.method.serverReflectionInfo,
  ]) {
    const stream = client.stream(method as typeof ServerReflection.method.serverReflectionInfo);
    const ask = (
      ...requests: readonly {
        case: 'listServices' | 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType';
        value: string;
      }[]
    ) => stream.send(...requests.map((messageRequest) => ({ host: 'h', messageRequest })));
    ask({ case: 'listServices', value: '' }, { case: 'fileByFilename', value: 'model_config.proto' });
    for (const value of [
      'inference.GRPCInferenceService',
      'inference.GRPCInferenceService.ModelInfer',
      'inference.ModelInferRequest.InferInputTensor',
      'inference.DataType.TYPE_FP32',
      '.grpc.health.v1.Health',
    ]) {
      ask({ case: 'fileContainingSymbol', value });
    }
    ask(
      { case: 'allExtensionNumbersOfType', value: 'inference.ModelInferRequest' },
      { case: 'fileContainingSymbol', value: 'inference.GRPCInferenceService.Nope' },
      { case: 'fileByFilename', value: '../etc/passwd' },
    );
    assert.equal(await stream.end(), 'OK');
    const answers = stream.received.messages.map(({ messageResponse }) => messageResponse);
    assert.equal(stream.received.messages[0]!.validHost, 'h');
    const [services, ...rest] = answers;
    assert.ok(services!.case === 'listServicesResponse');
    assert.deepEqual(
      services!.value.service.map(({ name }) => name),
      [
        'inference.GRPCInferenceService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ],
    );
    const files = rest.map((answer) =>
      answer.case === 'fileDescriptorResponse'
        ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
        : answer.case === 'errorResponse'
          ? answer.value.errorCode
          : answer.value,
    );
    const inference = ['grpc_service.proto', 'model_config.proto'];
    assert.deepEqual(files.slice(0, 6), [
      ['model_config.proto'],
      inference,
      inference,
      inference,
      ['model_config.proto'],
      ['grpc/health/v1/health.proto'],
    ]);
    assert.deepEqual(rest[6]!.case, 'allExtensionNumbersResponse');
    assert.deepEqual(files.slice(7), [5, 5]);
  }
});
