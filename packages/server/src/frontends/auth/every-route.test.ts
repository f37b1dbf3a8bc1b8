import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Health } from '@nereid/protocol/grpc-health';
import { ServerReflection } from '@nereid/protocol/grpc-reflection';
import { ServerReflection as ServerReflectionAlpha } from '@nereid/protocol/grpc-reflection-v1alpha';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import fc from 'fast-check';
import { startGrpc } from '../grpc/test-support/start-grpc.ts';
import { createMetricsFrontend } from '../metrics/index.ts';
import { addSub, FakeServer, SIMPLE } from '../test-support/fake-server.ts';
import { SILENT, startHttp, startSagemaker } from '../test-support/frontends.ts';
import { call } from '../test-support/http-client.ts';
import { TokenGate } from './index.ts';

const TOKEN = 'correct-horse-battery';
const INFERENCE_TOKEN = 'inference-only-token';
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'];

const MODEL_ACTIONS = ['', '/infer', '/generate', '/generate_stream', '/ready', '/config', '/stats', '/trace/setting'];
const SHARED_MEMORY = ['system', 'cuda'].flatMap((memory) =>
  ['', '/region/r'].flatMap((region) =>
    ['status', 'register', 'unregister'].map((action) => `/v2/${memory}sharedmemory${region}/${action}`),
  ),
);
/** Every path that Triton's HTTP front end serves, and some that it does not. */
const HTTP_PATHS = [
  '/v2',
  '/v2/health/live',
  '/v2/health/ready',
  '/v2/models/stats',
  '/v2/logging',
  '/v2/trace/setting',
  '/v2/repository/index',
  '/v2/repository/r/index',
  '/v2/repository/models/simple/load',
  '/v2/repository/models/simple/unload',
  '/v2/repository/r/models/simple/load',
  ...MODEL_ACTIONS.flatMap((action) => [`/v2/models/simple${action}`, `/v2/models/simple/versions/1${action}`]),
  ...SHARED_MEMORY,
  '/',
  '/v2/',
  '/nothing',
  '/metrics',
  '/v2/health/live?token=correct-horse-battery',
  '//v2/health/live',
];
const SAGEMAKER_PATHS = ['/ping', '/invocations', '/models', '/models/m', '/models/m/invoke', '/', '/nothing'];
const METRICS_PATHS = ['/metrics', '/metrics/', '/', '/nothing'];

async function start(context: TestContext) {
  const tokenFile = join(tmpdir(), `nereid-tokens-${randomUUID()}`);
  writeFileSync(tokenFile, `${TOKEN}\n${INFERENCE_TOKEN} inference\n`, { mode: 0o600 });
  const gate = new TokenGate({ tokenFile, log: SILENT });
  const server = new FakeServer().add(SIMPLE, addSub);
  const metrics = createMetricsFrontend({ host: '127.0.0.1', port: 0, gate, page: () => 'page' });
  const metricsPort = (await metrics.listen()).port;
  context.after(async () => {
    gate.close();
    rmSync(tokenFile);
    const closed = metrics.close();
    metrics.destroy();
    await closed;
  });
  return {
    server,
    http: await startHttp(context, server, { gate }),
    sagemaker: await startSagemaker(context, server, { gate }),
    grpc: (await startGrpc(context, server, { gate })).port,
    metrics: metricsPort,
  };
}

const credentialsThatAreNone: Record<string, string>[] = [
  {},
  { Authorization: 'Bearer wrong-wrong-wrong-wrong' },
  { 'X-API-Key': TOKEN.slice(1) },
];

test('no route of HTTP, SageMaker and metrics answers without a token', async (context) => {
  const ports = await start(context);
  for (const [port, paths] of [
    [ports.http, HTTP_PATHS],
    [ports.sagemaker, SAGEMAKER_PATHS],
    [ports.metrics, METRICS_PATHS],
  ] as const) {
    for (const path of paths) {
      for (const method of METHODS) {
        for (const headers of credentialsThatAreNone) {
          const answer = await call(port, path, { method, headers });
          assert.equal(answer.status, 401, `${method} ${path}`);
          assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer realm="nereid"/);
          if (method !== 'HEAD') assert.match(answer.text, /^\{"error":"/);
        }
      }
    }
  }
  assert.deepEqual(ports.server.requests, []);
  assert.deepEqual(ports.server.calls, []);
});

test('no path at all answers without a token', async (context) => {
  const { http, sagemaker, metrics } = await start(context);
  const segment = fc.constantFrom(
    'v2',
    'models',
    'simple',
    'infer',
    'health',
    'ready',
    '..',
    '%2e%2e',
    'ping',
    'metrics',
    '',
    ';',
    '%00',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 6 }), fc.constantFrom(...METHODS), async (segments, method) => {
      for (const port of [http, sagemaker, metrics]) {
        assert.equal((await call(port, `/${segments.join('/')}`, { method })).status, 401);
      }
    }),
    { numRuns: 50 },
  );
});

test('no method of gRPC answers without a token', async (context) => {
  const { grpc, server } = await start(context);
  const client = new Client(`localhost:${grpc}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  context.after(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const codeOf = (path: string, headers: Record<string, string>): Promise<string> => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => {
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), metadata, (error: ServiceError | null) =>
        resolve(error === null ? 'OK' : status[error.code]!),
      );
    });
  };
  const services: DescService[] = [GRPCInferenceService, Health, ServerReflection, ServerReflectionAlpha];
  const paths = services.flatMap(({ typeName, methods }) => methods.map(({ name }) => `/${typeName}/${name}`));
  assert.ok(paths.length >= 23, `${paths.length} methods`);
  for (const path of [...paths, '/inference.GRPCInferenceService/Nothing', '/nothing']) {
    for (const headers of credentialsThatAreNone) assert.equal(await codeOf(path, headers), 'UNAUTHENTICATED', path);
  }
  assert.deepEqual(server.calls, []);
  const live = '/inference.GRPCInferenceService/ServerLive';
  assert.equal(await codeOf(live, { authorization: `Bearer ${TOKEN}` }), 'OK');
  assert.equal(await codeOf(live, { 'x-api-key': TOKEN }), 'OK');
  assert.equal(await codeOf(live, { authorization: `Bearer ${INFERENCE_TOKEN}` }), 'PERMISSION_DENIED');
  assert.equal(await codeOf('/nothing', { authorization: `Bearer ${TOKEN}` }), 'UNIMPLEMENTED');
});

test('with a token every front end answers as ever', async (context) => {
  const { http, sagemaker, metrics } = await start(context);
  const headers = { Authorization: `Bearer ${TOKEN}` };
  assert.equal((await call(http, '/v2/health/live', { headers })).status, 200);
  assert.equal((await call(http, '/nothing', { headers })).status, 404);
  assert.equal((await call(sagemaker, '/ping', { headers })).status, 200);
  assert.equal((await call(metrics, '/metrics', { headers })).text, 'page');
});

test('a token that opens inference opens nothing else', async (context) => {
  const { http, sagemaker, metrics, server } = await start(context);
  const headers = { 'X-API-Key': INFERENCE_TOKEN };
  const statusOf = async (port: number, path: string, method: string) =>
    (await call(port, path, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })).status;
  assert.notEqual(await statusOf(http, '/v2/models/simple/generate', 'POST'), 403);
  assert.notEqual(await statusOf(http, '/v2/models/simple/infer', 'POST'), 403);
  assert.notEqual(await statusOf(sagemaker, '/invocations', 'POST'), 403);
  for (const [port, path, method] of [
    [http, '/v2', 'GET'],
    [http, '/v2/health/ready', 'GET'],
    [http, '/v2/models/simple/config', 'GET'],
    [http, '/v2/models/simple/stats', 'GET'],
    [http, '/v2/repository/models/simple/unload', 'POST'],
    [http, '/v2/systemsharedmemory/status', 'GET'],
    [http, '/v2/logging', 'POST'],
    [http, '/v2/trace/setting', 'POST'],
    [http, '/nothing', 'GET'],
    [sagemaker, '/ping', 'GET'],
    [sagemaker, '/models', 'POST'],
    [sagemaker, '/models/m', 'DELETE'],
    [metrics, '/metrics', 'GET'],
  ] as const) {
    assert.equal(await statusOf(port, path, method), 403, `${method} ${path}`);
  }
  assert.deepEqual(server.calls, []);
});

test('who has no token costs no memory: the body is dropped and the connection goes on', async (context) => {
  const { http } = await start(context);
  const refused = await call(http, '/v2/models/simple/infer', { body: new Uint8Array(8 * 1024 * 1024) });
  assert.equal(refused.status, 401);
});
