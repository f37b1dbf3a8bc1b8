import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { compressionAlgorithms } from '@grpc/grpc-js';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { toyModel } from '../../../core/test-support/configs.ts';
import { startCore, type TestCore } from '../../../core/test-support/harness.ts';
import type { GrpcFrontendOptions } from '../index.ts';
import { GrpcClient } from '../test-support/grpc-client.ts';
import {
  bool,
  double,
  int32Bytes,
  int32Output,
  int32Request,
  int64,
  type PlainRequest,
  string,
  uint64,
} from '../test-support/messages.ts';
import { startGrpc } from '../test-support/start-grpc.ts';

const { modelInfer } = GRPCInferenceService.method;
const MODELS = [
  toyModel('copy'),
  toyModel('held', { hold: true }),
  toyModel('broken', { behaviour: 'fail' }),
  toyModel('large', { dims: '-1', maxBatchSize: 0 }),
  toyModel('repeat', { behaviour: 'repeat', maxBatchSize: 0, more: 'model_transaction_policy { decoupled: true }' }),
  toyModel('words', { dataType: 'TYPE_STRING' }),
];

async function start(
  context: TestContext,
  options: Partial<GrpcFrontendOptions> = {},
): Promise<TestCore & { client: GrpcClient; port: number }> {
  const test = await startCore(MODELS);
  const { port } = await startGrpc(context, test.core, options);
  return { ...test, port, client: new GrpcClient(context, port) };
}

test('raw and typed contents come to the same', async (context) => {
  const { client } = await start(context);
  const raw = await client.unary(modelInfer, int32Request('copy', [1, -2, 3], { id: 'a' }));
  assert.deepEqual([raw.modelName, raw.modelVersion, raw.id], ['copy', '1', 'a']);
  assert.deepEqual(int32Output(raw), [1, -2, 3]);
  assert.deepEqual(
    raw.outputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
    [['OUTPUT0', 'INT32', [1n, 3n]]],
  );
  const typed = await client.unary(modelInfer, {
    modelName: 'copy',
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1n, 3n], contents: { intContents: [1, -2, 3] } }],
  });
  assert.deepEqual(int32Output(typed), [1, -2, 3]);
});

test('so many elements that they are read in steps, and so many classes', async (context) => {
  const { client } = await start(context);
  const intContents = Array.from({ length: 100_000 }, (_, index) => index - 50_000);
  const input = { name: 'INPUT0', datatype: 'INT32', shape: [100_000n], contents: { intContents } };
  const [large, small] = await Promise.all([
    client.unary(modelInfer, { modelName: 'large', inputs: [input] }),
    client.unary(modelInfer, int32Request('copy', [1, 2, 3])),
  ]);
  assert.deepEqual(int32Output(large), intContents);
  assert.deepEqual(int32Output(small), [1, 2, 3]);
  const classified = await client.unary(modelInfer, {
    modelName: 'large',
    inputs: [input],
    outputs: [{ name: 'OUTPUT0', parameters: { classification: int64(3n) } }],
  });
  const classes = Buffer.from(classified.rawOutputContents[0]!).toString('latin1');
  assert.deepEqual(classes.match(/\d+:\d+/g), ['49999:99999', '49998:99998', '49997:99997']);
  const bytesContents = Array.from({ length: 40_000 }, () => Buffer.from('ab'));
  const words = await client.unary(modelInfer, {
    modelName: 'words',
    inputs: [{ name: 'INPUT0', datatype: 'BYTES', shape: [1n, 40_000n], contents: { bytesContents } }],
  });
  assert.equal(words.rawOutputContents[0]!.length, 40_000 * 6);
});

test('strings as typed contents', async (context) => {
  const { client } = await start(context);
  const contents = { bytesContents: [Buffer.from('a'), Buffer.from(''), Buffer.from('größe')] };
  const answer = await client.unary(modelInfer, {
    modelName: 'words',
    inputs: [{ name: 'INPUT0', datatype: 'BYTES', shape: [1n, 3n], contents }],
  });
  assert.equal(Buffer.from(answer.rawOutputContents[0]!).toString(), '\u0001\0\0\0a\0\0\0\0\u0007\0\0\0größe');
});

const REGION_OF_4 = { shared_memory_region: string('r'), shared_memory_byte_size: int64(4n) };

test('what is wrong with contents and parameters is said in the words of Triton', async (context) => {
  const { client } = await start(context);
  const request = int32Request('copy', [1]);
  const input = { name: 'INPUT0', datatype: 'INT32', shape: [1n, 1n] };
  const cases: readonly (readonly [PlainRequest, string])[] = [
    [
      { ...request, modelVersion: 'x' },
      "failed to get model version from specified version string 'x' (details: stol), version should be an integral value > 0",
    ],
    [
      { ...request, modelVersion: '-2' },
      "invalid model version specified '-2' , version should be an integral value > 0",
    ],
    [
      {
        modelName: 'copy',
        inputs: [{ ...input, contents: { intContents: [1] } }],
        rawInputContents: [int32Bytes([1])],
      },
      "contents field must not be specified when using raw_input_contents for 'INPUT0' for model 'copy'",
    ],
    [
      { modelName: 'copy', id: 'a', inputs: [input, input] },
      "[request id: a] input 'INPUT0' already exists in request",
    ],
    [
      { modelName: 'copy', inputs: [input], outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT0' }] },
      "[request id: <id_unknown>] output 'OUTPUT0' already exists in request",
    ],
    [
      { modelName: 'copy', inputs: [input] },
      "unable to find data for input tensor 'INPUT0' for model 'copy' in request.",
    ],
    [
      { modelName: 'copy', inputs: [{ ...input, contents: { fp32Contents: [1] } }] },
      "unexpected explicit tensor data for input tensor 'INPUT0' for model 'copy' of type 'FP32', expected datatype 'INT32'",
    ],
    [
      { modelName: 'copy', inputs: [{ ...input, contents: { intContents: [1], int64Contents: [1n] } }] },
      "unexpected explicit tensor data for input tensor 'INPUT0' for model 'copy', binary data was already supplied.",
    ],
    [
      { modelName: 'copy', inputs: [{ ...input, datatype: 'FP16', contents: { fp32Contents: [1] } }] },
      "unexpected explicit tensor data for input tensor 'INPUT0' for model 'copy' of type 'FP32', expected datatype 'FP16'",
    ],
    [
      { ...request, inputs: [{ ...input, parameters: { shared_memory_region: bool(true) } }] },
      "invalid value type for 'shared_memory_region' parameter for tensor 'INPUT0', expected string_param.",
    ],
    [
      { ...request, inputs: [{ ...input, parameters: { shared_memory_offset: int64(1n) } }] },
      "'shared_memory_offset' can not be specified without 'shared_memory_region' parameter for tensor 'INPUT0'",
    ],
    [
      { ...request, inputs: [{ ...input, parameters: { shared_memory_region: string('r') } }] },
      "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor 'INPUT0'",
    ],
    [
      { ...request, inputs: [{ ...input, parameters: REGION_OF_4, contents: {} }] },
      "unexpected 'content' provided when using shared memory for input tensor 'INPUT0' for model 'copy'",
    ],
    [
      { ...request, parameters: { sequence_id: uint64(1n) } },
      "invalid value type for 'sequence_id' parameter, expected int64_param or string_param.",
    ],
    [
      { ...request, parameters: { sequence_end: int64(1n) } },
      "invalid value type for 'sequence_end' parameter, expected bool_param.",
    ],
    [
      { ...request, parameters: { priority: string('1') } },
      "invalid value type for 'priority' parameter, expected int64_param or uint64_param.",
    ],
    [
      { ...request, parameters: { timeout: uint64(1n) } },
      "invalid value type for 'timeout' parameter, expected int64_param.",
    ],
    [
      { ...request, parameters: { mine: uint64(1n) } },
      "invalid value type for 'mine' parameter, expected int64_param, bool_param, or string_param.",
    ],
    [
      { ...request, parameters: { triton_enable_empty_final_response: int64(1n) } },
      "invalid value type for 'triton_enable_empty_final_response' parameter, expected bool_param.",
    ],
    [
      { ...request, outputs: [{ name: 'OUTPUT0', parameters: { classification: bool(true) } }] },
      "invalid value type for 'classification' parameter, expected int64_param",
    ],
    [
      {
        ...request,
        outputs: [{ name: 'OUTPUT0', parameters: { ...REGION_OF_4, classification: int64(1n) } }],
      },
      "output can't set both 'shared_memory_region' and 'classification'",
    ],
  ];
  for (const [message, text] of cases) {
    assert.equal(await client.failure(modelInfer, message), `INVALID_ARGUMENT ${text}`);
  }
  const region = REGION_OF_4;
  const missing = "NOT_FOUND Unable to find shared memory region: 'r'";
  assert.equal(await client.failure(modelInfer, { ...request, inputs: [{ ...input, parameters: region }] }), missing);
  assert.equal(
    await client.failure(modelInfer, { ...request, outputs: [{ name: 'OUTPUT0', parameters: region }] }),
    missing,
  );
  const longId = { ...request, parameters: { sequence_id: string('x'.repeat(129)) } };
  assert.equal(
    await client.failure(modelInfer, longId),
    'UNIMPLEMENTED string correlation ID cannot be longer than 128 characters',
  );
});

test('parameters and metadata reach the model, reserved names do not', async (context) => {
  const { client, core } = await start(context, { headerForwardPattern: '^x-|^priority$' });
  const seen: unknown[] = [];
  const { infer } = core;
  core.infer = (request, respond) => {
    seen.push(Object.fromEntries(request.parameters), request.priority, request.timeoutMicros, request.correlationId);
    infer.call(core, request, respond);
  };
  const parameters = {
    flag: bool(true),
    count: int64(-5n),
    word: string('w'),
    factor: double(1.5),
    priority: uint64(3n),
    timeout: int64(1000n),
    sequence_id: int64(-1n),
  };
  await client.unary(modelInfer, int32Request('copy', [1], { parameters }), {
    metadata: { 'x-tenant': 'a', other: 'b' },
  });
  assert.deepEqual(seen, [
    { flag: true, count: -5n, word: 'w', factor: 1.5, 'x-tenant': 'a' },
    3,
    1000,
    2n ** 64n - 1n,
  ]);
  assert.equal(
    await client.failure(modelInfer, int32Request('copy', [1]), { metadata: { priority: '1' } }),
    "INVALID_ARGUMENT Header 'priority' is reserved for Triton usage and cannot be forwarded.",
  );
});

test('a failing model, a decoupled one, an unknown one', async (context) => {
  const { client } = await start(context);
  assert.equal(await client.failure(modelInfer, int32Request('broken', [1])), 'INTERNAL the toy model failed');
  assert.equal(
    await client.failure(modelInfer, int32Request('repeat', [1])),
    "UNIMPLEMENTED ModelInfer RPC doesn't support models with decoupled transaction policy",
  );
  assert.equal(
    await client.failure(modelInfer, int32Request('nope', [1])),
    "NOT_FOUND Request for unknown model: 'nope' is not found",
  );
});

test('classes instead of an output', async (context) => {
  const { client } = await start(context);
  const outputs = [{ name: 'OUTPUT0', parameters: { classification: int64(2n) } }];
  const answer = await client.unary(modelInfer, int32Request('copy', [5, 9, 7], { outputs }));
  assert.deepEqual(
    answer.outputs.map(({ datatype, shape }) => [datatype, shape]),
    [['BYTES', [1n, 2n]]],
  );
  assert.equal(Buffer.from(answer.rawOutputContents[0]!).toString(), '\u0003\0\0\x009:1\u0003\0\0\x007:2');
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('a client that cancels, or whose deadline passes, cancels the request', async (context) => {
  const { client, core, backend } = await start(context);
  const cancellations: (() => boolean)[] = [];
  const { infer } = core;
  core.infer = (request, respond) => {
    cancellations.push(() => request.cancellation.cancelled);
    infer.call(core, request, respond);
  };
  const { call, answer } = client.begin(modelInfer, int32Request('held', [1]));
  const cancelled = assert.rejects(answer, /CANCELLED/);
  await until(() => backend.held.length === 1);
  assert.equal(cancellations[0]!(), false);
  call.cancel();
  await cancelled;
  await until(() => cancellations[0]!());
  await backend.releaseAll();
  const late = client.failure(modelInfer, int32Request('held', [1]), { deadline: Date.now() + 200 });
  await until(() => cancellations.length === 2);
  assert.match(await late, /^DEADLINE_EXCEEDED/);
  await until(() => cancellations[1]!());
  await backend.releaseAll();
  assert.deepEqual(int32Output(await client.unary(modelInfer, int32Request('copy', [4]))), [4]);
});

test('large tensors both ways', async (context) => {
  const { client } = await start(context);
  const bytes = new Uint8Array(12 * 1024 * 1024);
  for (let index = 0; index < bytes.length; index += 4099) bytes[index] = index % 251;
  const answer = await client.unary(modelInfer, {
    modelName: 'large',
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [BigInt(bytes.length / 4)] }],
    rawInputContents: [bytes],
  });
  assert.ok(Buffer.from(bytes).equals(answer.rawOutputContents[0]!));
});

test('compressed requests are read, answers are compressed when the server says so', async (context) => {
  const { port } = await start(context, { compressionLevel: 'high' });
  for (const algorithm of [compressionAlgorithms.gzip, compressionAlgorithms.deflate]) {
    const client = new GrpcClient(context, port, { 'grpc.default_compression_algorithm': algorithm });
    for (const count of [10, 100_000]) {
      const values = new Array<number>(count).fill(7);
      assert.deepEqual(int32Output(await client.unary(modelInfer, int32Request('copy', values))), values);
    }
  }
});

test('restrictions', async (context) => {
  const restrictions = new Map([['inference' as const, { header: 'triton-grpc-protocol-key', value: 'open' }]]);
  const { client } = await start(context, { restrictions });
  const request = int32Request('copy', [1]);
  const refusal = "UNAVAILABLE This protocol is restricted, expecting header 'triton-grpc-protocol-key'";
  assert.equal(await client.failure(modelInfer, request), refusal);
  assert.equal(await client.failure(modelInfer, request, { metadata: { 'triton-grpc-protocol-key': 'no' } }), refusal);
  assert.equal(await client.failure(modelInfer, request, { metadata: { 'triton-grpc-protocol-key': 'open' } }), 'OK');
  const stream = client.stream(GRPCInferenceService.method.modelStreamInfer);
  assert.equal(await stream.end(), refusal);
  assert.deepEqual(await client.unary(GRPCInferenceService.method.serverLive, {}).then(({ live }) => live), true);
});
