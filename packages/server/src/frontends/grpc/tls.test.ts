import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { StatusError } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { toyModel } from '../../core/test-support/configs.ts';
import { startCore } from '../../core/test-support/harness.ts';
import { createGrpcFrontend, type TlsOptions } from './index.ts';
import { GrpcClient } from './test-support/grpc-client.ts';
import { int32Output, int32Request } from './test-support/messages.ts';
import { FakeLogControl, startGrpc } from './test-support/start-grpc.ts';

const { modelInfer } = GRPCInferenceService.method;
// A root and two certificates that it signed, made for these tests with openssl.
const file = (name: string) => fileURLToPath(new URL(`./test-support/certificates/${name}`, import.meta.url));
const contents = (name: string) => readFileSync(file(name));
const TLS: TlsOptions = {
  certificateFile: file('server.pem'),
  keyFile: file('server-key.pem'),
  rootFile: file('root.pem'),
  mutual: false,
};

async function start(context: TestContext, tls: TlsOptions): Promise<(client: ChannelCredentials) => GrpcClient> {
  const { core } = await startCore([toyModel('copy')]);
  const { port } = await startGrpc(context, core, { tls });
  return (client) => new GrpcClient(context, port, {}, client);
}

test('TLS', async (context) => {
  const client = await start(context, TLS);
  const answer = await client(credentials.createSsl(contents('root.pem'))).unary(modelInfer, int32Request('copy', [3]));
  assert.deepEqual(int32Output(answer), [3]);
  const untrusting = client(credentials.createSsl(contents('client.pem')));
  assert.match(await untrusting.failure(modelInfer, int32Request('copy', [3])), /^UNAVAILABLE/);
  assert.match(
    await client(credentials.createInsecure()).failure(modelInfer, int32Request('copy', [3])),
    /^UNAVAILABLE/,
  );
});

test('with mutual TLS a client has to show a certificate', async (context) => {
  const client = await start(context, { ...TLS, mutual: true });
  const known = credentials.createSsl(contents('root.pem'), contents('client-key.pem'), contents('client.pem'));
  assert.deepEqual(int32Output(await client(known).unary(modelInfer, int32Request('copy', [3]))), [3]);
  const unknown = credentials.createSsl(contents('root.pem'));
  assert.match(await client(unknown).failure(modelInfer, int32Request('copy', [3])), /^UNAVAILABLE/);
});

test('files that cannot be read are named', async () => {
  const { core } = await startCore([toyModel('copy')]);
  const listen = (tls: TlsOptions) =>
    createGrpcFrontend(core, { host: '127.0.0.1', port: 0, logControl: new FakeLogControl(), tls }).listen();
  const refusal = (text: RegExp) => (error: unknown) => error instanceof StatusError && text.test(error.message);
  await assert.rejects(listen({ ...TLS, certificateFile: '' }), refusal(/^TLS for gRPC needs --grpc-server-cert$/));
  await assert.rejects(listen({ ...TLS, keyFile: '/nope' }), refusal(/^--grpc-server-key '\/nope' cannot be read/));
  await assert.rejects(listen({ ...TLS, mutual: true, rootFile: '' }), refusal(/needs --grpc-root-cert/));
});
