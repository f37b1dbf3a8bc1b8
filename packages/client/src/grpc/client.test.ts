import assert from 'node:assert/strict';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { describe, test } from 'node:test';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Metadata, ServerCredentials, status } from '@grpc/grpc-js';
import {
  ModelInferRequestSchema,
  ModelInferResponseSchema,
  RepositoryModelLoadRequestSchema,
  ServerLiveResponseSchema,
} from '@nereid/protocol/grpc-service';
import type { InferRequest } from '../api/index.ts';
import { startCannedServer } from '../test-support/canned-server.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../test-support/certificate.ts';
import { failureOf } from '../test-support/failure.ts';
import { startGrpcServer, type UnaryHandler } from '../test-support/grpc-server.ts';
import { GrpcClient } from './client.ts';
import type { GrpcClientOptions } from './grpc-caller.ts';

const REQUEST: InferRequest = { inputs: [{ name: 'I', dataType: 'INT8', shape: [1], data: [1] }] };
const LIVE = toBinary(ServerLiveResponseSchema, create(ServerLiveResponseSchema, { live: true }));

type Response = MessageInitShape<typeof ModelInferResponseSchema>;

function responseBytes(response: Response): Uint8Array {
  return toBinary(ModelInferResponseSchema, create(ModelInferResponseSchema, response));
}

/** One call against a server that has this handler. */
async function withServer(
  unary: Readonly<Record<string, UnaryHandler>>,
  use: (client: GrpcClient) => Promise<void>,
  options: Partial<GrpcClientOptions> = {},
): Promise<void> {
  const server = await startGrpcServer(unary);
  const client = new GrpcClient({ url: server.url, retry: { initialBackoffMs: 1 }, ...options });
  try {
    await use(client);
  } finally {
    client.close();
    server.close();
  }
}

const answering =
  (bytes: Uint8Array): UnaryHandler =>
  (_, answer) =>
    answer(null, bytes);
const failing =
  (code: status, details: string): UnaryHandler =>
  (_, answer) =>
    answer({ code, details, metadata: new Metadata() });

describe('requests', () => {
  test('everything a request can say is on the wire', async () => {
    let message: ReturnType<typeof decode> | undefined;
    const decode = (bytes: Uint8Array) => fromBinary(ModelInferRequestSchema, bytes);
    const handler: UnaryHandler = ({ request }, answer) => {
      message = decode(request);
      answer(null, responseBytes({ modelName: 'm' }));
    };
    await withServer({ ModelInfer: handler }, async (client) => {
      await client.infer(
        { name: 'm', version: 2 },
        {
          id: 'r',
          inputs: [
            { name: 'A', dataType: 'INT16', shape: [2], data: [1, -1] },
            { name: 'S', dataType: 'FP32', shape: [4], sharedMemory: { region: 'in', byteSize: 16, offset: 32 } },
            { name: 'B', dataType: 'BYTES', shape: [1], data: ['x'] },
          ],
          outputs: ['O', { name: 'C', classes: 3 }, { name: 'P', sharedMemory: { region: 'out', byteSize: 8 } }],
          sequence: { id: 2n ** 64n - 1n, start: true },
          priority: 1,
          timeoutMicros: 5,
          parameters: { text: 't', flag: false, int: 3, double: 0.5, large: 2n ** 63n },
        },
      );
    });
    assert.ok(message !== undefined);
    const { parameters, inputs, outputs, rawInputContents, ...rest } = message;
    assert.deepEqual([rest.modelName, rest.modelVersion, rest.id], ['m', '2', 'r']);
    const plain = (map: (typeof inputs)[number]['parameters']) =>
      Object.fromEntries(Object.entries(map).map(([name, { parameterChoice }]) => [name, { ...parameterChoice }]));
    assert.deepEqual(plain(parameters), {
      text: { case: 'stringParam', value: 't' },
      flag: { case: 'boolParam', value: false },
      int: { case: 'int64Param', value: 3n },
      double: { case: 'doubleParam', value: 0.5 },
      large: { case: 'uint64Param', value: 2n ** 63n },
      sequence_id: { case: 'int64Param', value: -1n },
      sequence_start: { case: 'boolParam', value: true },
      sequence_end: { case: 'boolParam', value: false },
      priority: { case: 'int64Param', value: 1n },
      timeout: { case: 'int64Param', value: 5n },
    });
    assert.deepEqual(
      inputs.map(({ name, datatype, shape, parameters: own }) => [name, datatype, shape, plain(own)]),
      [
        ['A', 'INT16', [2n], {}],
        [
          'S',
          'FP32',
          [4n],
          {
            shared_memory_region: { case: 'stringParam', value: 'in' },
            shared_memory_byte_size: { case: 'int64Param', value: 16n },
            shared_memory_offset: { case: 'int64Param', value: 32n },
          },
        ],
        ['B', 'BYTES', [1n], {}],
      ],
    );
    assert.deepEqual(
      rawInputContents.map((contents) => [...contents]),
      [
        [1, 0, 255, 255],
        [1, 0, 0, 0, 120],
      ],
    );
    assert.deepEqual(
      outputs.map(({ name, parameters: own }) => [name, plain(own)]),
      [
        ['O', {}],
        ['C', { classification: { case: 'int64Param', value: 3n } }],
        [
          'P',
          {
            shared_memory_region: { case: 'stringParam', value: 'out' },
            shared_memory_byte_size: { case: 'int64Param', value: 8n },
          },
        ],
      ],
    );
  });

  test('files of a load are bytes', async () => {
    let sent: unknown;
    const handler: UnaryHandler = ({ request }, answer) => {
      const { parameters } = fromBinary(RepositoryModelLoadRequestSchema, request);
      sent = Object.entries(parameters).map(([name, { parameterChoice }]) => [name, parameterChoice.case]);
      answer(null, new Uint8Array(0));
    };
    await withServer({ RepositoryModelLoad: handler }, async (client) => {
      await client.loadModel('m', { config: { backend: 'b' }, files: { '1/model.onnx': Uint8Array.of(1) } });
    });
    assert.deepEqual(sent, [
      ['config', 'stringParam'],
      ['file:1/model.onnx', 'bytesParam'],
    ]);
  });

  test('headers and tokens are metadata', async () => {
    let seen: unknown;
    const handler: UnaryHandler = ({ metadata }, answer) => {
      seen = ['authorization', 'x-team'].map((name) => metadata.get(name)[0]);
      answer(null, LIVE);
    };
    const options = { bearerToken: () => 'secret', headers: { 'X-Team': 'a' } };
    const use = async (client: GrpcClient) => {
      assert.equal(await client.isServerLive({ headers: { 'x-team': 'b' } }), true);
      assert.equal((await failureOf(client.isServerLive({ headers: { 'x\n': 'b' } }))).code, 'INVALID_ARG');
    };
    await withServer({ ServerLive: handler }, use, options);
    assert.deepEqual(seen, ['Bearer secret', 'b']);
  });
});

describe('answers', () => {
  const output = { name: 'O', datatype: 'INT8', shape: [2n] };

  test('typed contents and outputs in shared memory', async () => {
    const response = responseBytes({
      outputs: [
        { name: 'I', datatype: 'INT16', shape: [2n], contents: { intContents: [1, -1] } },
        { name: 'B', datatype: 'BYTES', shape: [1n], contents: { bytesContents: [Uint8Array.of(120)] } },
        { name: 'L', datatype: 'UINT64', shape: [1n], contents: { uint64Contents: [2n ** 64n - 1n] } },
      ],
    });
    await withServer({ ModelInfer: answering(response) }, async (client) => {
      const result = await client.infer('m', REQUEST);
      assert.deepEqual(result.output('I').data, Int16Array.of(1, -1));
      assert.deepEqual(result.output('B').strings(), ['x']);
      assert.deepEqual(result.output('L').data, BigUint64Array.of(2n ** 64n - 1n));
    });
    const shared = responseBytes({ outputs: [output], rawOutputContents: [new Uint8Array(0)] });
    await withServer({ ModelInfer: answering(shared) }, async (client) => {
      const outputs = [{ name: 'O', sharedMemory: { region: 'r', byteSize: 2 } }];
      assert.equal((await client.infer('m', { ...REQUEST, outputs })).output('O').inSharedMemory, true);
      assert.equal((await failureOf(client.infer('m', REQUEST))).code, 'INVALID_RESPONSE');
    });
  });

  for (const [what, bytes] of [
    ['no Protobuf', Uint8Array.of(255, 255, 255)],
    ['a length beyond the message', Uint8Array.of(0x32, 0xff, 0xff, 0xff, 0x7f, 1)],
    ['contents that are too short', responseBytes({ outputs: [output], rawOutputContents: [new Uint8Array(1)] })],
    ['contents that are too long', responseBytes({ outputs: [output], rawOutputContents: [new Uint8Array(3)] })],
    [
      'more contents than outputs',
      responseBytes({ outputs: [output], rawOutputContents: [new Uint8Array(2), new Uint8Array(1)] }),
    ],
    [
      'an unknown data type',
      responseBytes({ outputs: [{ ...output, datatype: 'FP8' }], rawOutputContents: [new Uint8Array(2)] }),
    ],
    [
      'a negative dimension',
      responseBytes({ outputs: [{ ...output, shape: [-2n] }], rawOutputContents: [new Uint8Array(2)] }),
    ],
    [
      'a shape beyond memory',
      responseBytes({
        outputs: [{ ...output, shape: [2n ** 62n, 2n ** 62n] }],
        rawOutputContents: [new Uint8Array(2)],
      }),
    ],
    [
      'two outputs of one name',
      responseBytes({ outputs: [output, output], rawOutputContents: [new Uint8Array(2), new Uint8Array(2)] }),
    ],
    [
      'FP16 as typed contents',
      responseBytes({ outputs: [{ ...output, datatype: 'FP16', contents: { fp32Contents: [1, 2] } }] }),
    ],
  ] as const) {
    test(`${what} is INVALID_RESPONSE`, async () => {
      await withServer({ ModelInfer: answering(bytes) }, async (client) => {
        const { code, message } = await failureOf(client.infer('m', REQUEST));
        assert.equal(code, 'INVALID_RESPONSE', message);
      });
    });
  }

  test('an answer beyond the limit is RESOURCE_EXHAUSTED', async () => {
    const large = responseBytes({
      outputs: [{ ...output, shape: [100_000n] }],
      rawOutputContents: [new Uint8Array(100_000)],
    });
    const use = async (client: GrpcClient) =>
      assert.equal((await failureOf(client.infer('m', REQUEST))).code, 'RESOURCE_EXHAUSTED');
    await withServer({ ModelInfer: answering(large) }, use, { maxResponseBytes: 10_000 });
  });

  for (const [code, name] of [
    [status.INVALID_ARGUMENT, 'INVALID_ARG'],
    [status.NOT_FOUND, 'NOT_FOUND'],
    [status.ALREADY_EXISTS, 'ALREADY_EXISTS'],
    [status.PERMISSION_DENIED, 'PERMISSION_DENIED'],
    [status.UNAUTHENTICATED, 'UNAUTHENTICATED'],
    [status.UNIMPLEMENTED, 'UNSUPPORTED'],
    [status.INTERNAL, 'INTERNAL'],
    [status.UNAVAILABLE, 'UNAVAILABLE'],
    [status.DATA_LOSS, 'UNKNOWN'],
  ] as const) {
    test(`${status[code]} is ${name}, its text kept`, async () => {
      await withServer({ ModelInfer: failing(code, "text of 'it'\né") }, async (client) => {
        const error = await failureOf(client.infer('m', REQUEST));
        assert.deepEqual([error.code, error.status, error.message], [name, code, "text of 'it'\né"]);
      });
    });
  }
});

describe('retries', () => {
  test('questions are sent again, inferences only when the caller allows it', async () => {
    const counts = { ServerLive: 0, ModelInfer: 0 };
    const busyOnce =
      (name: keyof typeof counts, bytes: Uint8Array): UnaryHandler =>
      (call, answer) => {
        const handler = counts[name]++ === 0 ? failing(status.UNAVAILABLE, 'busy') : answering(bytes);
        handler(call, answer);
      };
    const handlers = {
      ServerLive: busyOnce('ServerLive', LIVE),
      ModelInfer: busyOnce('ModelInfer', responseBytes({ modelName: 'm' })),
    };
    await withServer(handlers, async (client) => {
      assert.equal(await client.isServerLive(), true);
      assert.equal((await failureOf(client.infer('m', REQUEST))).code, 'UNAVAILABLE');
      assert.equal(counts.ModelInfer, 1);
      counts.ModelInfer = 0;
      assert.equal((await client.infer('m', REQUEST, { idempotent: true })).modelName, 'm');
    });
  });

  test('a closed port is known to be one; deadlines and aborts end a call', async () => {
    const server = await startGrpcServer({ ModelInfer: () => {} });
    const client = new GrpcClient({ url: server.url, retry: { maxAttempts: 1 } });
    assert.equal((await failureOf(client.infer('m', REQUEST, { deadlineMs: 30 }))).code, 'DEADLINE_EXCEEDED');
    const aborted = failureOf(client.infer('m', REQUEST, { signal: AbortSignal.timeout(10) }));
    assert.equal((await aborted).code, 'CANCELLED');
    client.close();
    server.close();
    const { url, close } = await startCannedServer(() => assert.fail('nothing is there'));
    await close();
    const lonely = new GrpcClient({ url, retry: { maxAttempts: 2, initialBackoffMs: 1 } });
    const refused = await failureOf(lonely.infer('m', REQUEST));
    assert.deepEqual([refused.code, refused.notSent, refused.status], ['CONNECTION_FAILED', true, undefined]);
    lonely.close();
  });
});

test('a connection that breaks leaves open whether the request ran', async () => {
  const sockets: Socket[] = [];
  const server = createHttp2Server();
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.on('stream', () => {
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new GrpcClient({
    url: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    retry: { maxAttempts: 1 },
  });
  const error = await failureOf(client.infer('m', REQUEST));
  assert.deepEqual([error.code, error.notSent], ['CONNECTION_FAILED', false], error.message);
  client.close();
  server.close();
});

describe('addresses', () => {
  test('TLS by URL or option; the authority counts', async () => {
    const pair = { cert_chain: Buffer.from(TEST_CERTIFICATE), private_key: Buffer.from(TEST_KEY) };
    const server = await startGrpcServer(
      { ServerLive: answering(LIVE) },
      undefined,
      ServerCredentials.createSsl(null, [pair]),
    );
    const live = async (options: GrpcClientOptions) => {
      const client = new GrpcClient({ retry: { maxAttempts: 1 }, ...options });
      return await client.isServerLive().finally(() => client.close());
    };
    assert.equal(await live({ url: server.url, tls: { ca: TEST_CERTIFICATE, servername: 'localhost' } }), true);
    assert.equal(await live({ url: `grpcs://localhost:${server.port}`, tls: { ca: TEST_CERTIFICATE } }), true);
    assert.equal(await live({ url: server.url, tls: { rejectUnauthorized: false } }), true);
    const error = await failureOf(live({ url: server.url, tls: true }));
    assert.deepEqual([error.code, error.notSent], ['CONNECTION_FAILED', true], error.message);
    server.close();
  });

  test('what is no address is refused', () => {
    for (const url of ['', 'http://host:1/path', 'host/path']) {
      assert.throws(() => new GrpcClient({ url }), { code: 'INVALID_ARG' }, url);
    }
  });
});
