import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { StatusCode } from '@nereid/protocol';
import { StatusError } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { modelConfigToJson } from '../../config/index.ts';
import { startCore } from '../../core/test-support/harness.ts';
import { GrpcClient } from '../grpc/test-support/grpc-client.ts';
import { FakeLogControl, startGrpc } from '../grpc/test-support/start-grpc.ts';
import { grpcStatus } from '../grpc/transport/status.ts';
import { createHttpFrontend } from '../http/index.ts';
import { httpStatus } from '../wire/reply.ts';
import { CASES, type ContractAnswer, type ContractRequest, MODELS, ROUTES, type Route } from './test-support/cases.ts';
import { overGrpc } from './test-support/grpc-route.ts';
import { get, overHttp } from './test-support/http-route.ts';
import { type PlainAnswer, plain } from './test-support/values.ts';

interface FrontEnds {
  readonly httpPort: number;
  readonly client: GrpcClient;
}

/** Both front ends over one core. */
async function start(context: TestContext): Promise<FrontEnds> {
  const { core, log } = await startCore(MODELS);
  const http = createHttpFrontend(core, { host: '127.0.0.1', port: 0, log, logControl: new FakeLogControl() });
  const { port: httpPort } = await http.listen();
  context.after(async () => {
    const closed = http.close();
    http.destroy();
    await closed;
  });
  const { port } = await startGrpc(context, core);
  return { httpPort, client: new GrpcClient(context, port) };
}

function send({ httpPort, client }: FrontEnds, route: Route, request: ContractRequest): Promise<PlainAnswer> {
  if (route.startsWith('HTTP')) return overHttp(httpPort, request, route === 'HTTP, binary');
  return overGrpc(client, request, route === 'gRPC, raw');
}

function statusOf(route: Route, code: StatusCode): number {
  return route.startsWith('HTTP') ? httpStatus(code) : grpcStatus(new StatusError(code, '')).code;
}

function expected(route: Route, answer: ContractAnswer): PlainAnswer {
  if ('code' in answer) return { status: statusOf(route, answer.code), message: answer.message };
  return { ...answer, outputs: answer.outputs.map(plain) };
}

test('inference comes to the same whichever way it is asked for', async (context) => {
  const frontEnds = await start(context);
  for (const { name, request, answer, routes = ROUTES } of CASES) {
    for (const route of routes) {
      assert.deepEqual(await send(frontEnds, route, request), expected(route, answer), `${name} (${route})`);
    }
  }
});

const MODEL_NAMES = ['add_sub', 'chain', 'copy_BYTES'] as const;

test('metadata and configuration are the same', async (context) => {
  const { httpPort, client } = await start(context);
  const { modelMetadata, modelConfig } = GRPCInferenceService.method;
  for (const name of MODEL_NAMES) {
    const metadata = await client.unary(modelMetadata, { name });
    const tensors = (each: (typeof metadata)['inputs']) =>
      each.map((tensor) => ({ name: tensor.name, datatype: tensor.datatype, shape: tensor.shape.map(Number) }));
    const { versions, platform, inputs, outputs } = metadata;
    const whole = { name, versions, platform, inputs: tensors(inputs), outputs: tensors(outputs) };
    assert.deepEqual(JSON.parse((await get(httpPort, `/v2/models/${name}`)).body.toString()), whole);
    const { config } = await client.unary(modelConfig, { name });
    assert.equal(
      (await get(httpPort, `/v2/models/${name}/config`)).body.toString(),
      modelConfigToJson(config!).toString(),
    );
  }
});

test('what is not there is refused in the same words', async (context) => {
  const { httpPort, client } = await start(context);
  const { modelMetadata, modelConfig, modelReady, modelStatistics } = GRPCInferenceService.method;
  const names = [
    { name: 'nope', version: '' },
    { name: 'add_sub', version: '7' },
  ];
  const reads = [
    ['', modelMetadata],
    ['/config', modelConfig],
    ['/ready', modelReady],
    ['/stats', modelStatistics],
  ] as const;
  for (const { name, version } of names) {
    for (const [path, method] of reads) {
      const answer = await get(httpPort, `/v2/models/${name}${version === '' ? '' : `/versions/${version}`}${path}`);
      const { error } = JSON.parse(answer.body.toString()) as { error: string };
      const failure = await client.failure(method as typeof modelMetadata, { name, version });
      assert.equal(failure.slice(failure.indexOf(' ') + 1), error, `${name} ${path}`);
    }
  }
});
