import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GrpcClient, type GrpcClientOptions } from '@nereid/client/grpc';
import { writeAddSub } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

// A root, and a certificate for localhost and one for a client that it signed.
const CERTIFICATES = new URL('../../packages/server/src/frontends/grpc/test-support/certificates/', import.meta.url);
const file = (name: string): string => fileURLToPath(new URL(name, CERTIFICATES));
const pem = (name: string): string => readFileSync(file(name), 'utf8');
const IDENTITY = { ca: pem('root.pem'), cert: pem('client.pem'), key: pem('client-key.pem') };

const root = mkdtempSync(join(tmpdir(), 'nereid-e2e-'));
let server: RunningServer;
let port: string;

before(async () => {
  writeAddSub(root);
  server = await startTestServer([
    `--model-repository=${root}`,
    '--grpc-address=127.0.0.1',
    '--grpc-use-ssl-mutual=true',
    `--grpc-server-cert=${file('server.pem')}`,
    `--grpc-server-key=${file('server-key.pem')}`,
    `--grpc-root-cert=${file('root.pem')}`,
    '--grpc-keepalive-time=60000',
    '--grpc-keepalive-timeout=10000',
    '--grpc-keepalive-permit-without-calls=true',
    '--grpc-http2-max-pings-without-data=0',
    '--grpc-http2-min-recv-ping-interval-without-data=10000',
    '--grpc-http2-max-ping-strikes=0',
  ]);
  port = /Started GRPCInferenceService at [\w.]+:(\d+)/.exec(server.log())?.[1] ?? '';
});

after(async () => {
  if (server.child.exitCode === null) await server.stop();
  rmSync(root, { recursive: true, force: true });
});

async function withClient<T>(
  options: Omit<GrpcClientOptions, 'url'>,
  work: (client: GrpcClient) => Promise<T>,
): Promise<T> {
  const client = new GrpcClient({ url: `localhost:${port}`, retry: { maxAttempts: 1 }, ...options });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

const numbers = Int32Array.from({ length: 16 }, (_, index) => index);
const inputs = ['INPUT0', 'INPUT1'].map(
  (name) => ({ name, dataType: 'INT32', shape: [1, 16], data: numbers }) as const,
);

test('with a certificate that the root signed a client infers, also over a stream', async () => {
  await withClient({ tls: IDENTITY, keepAlive: { timeMs: 30_000, timeoutMs: 5_000 } }, async (client) => {
    const { outputs } = await client.infer('add_sub', { inputs });
    assert.deepEqual(
      [...outputs[0]!.as('INT32')],
      [...numbers].map((value) => 2 * value),
    );
    const results: number[] = [];
    for await (const result of client.inferStream('add_sub', { inputs })) {
      results.push(...result.output('OUTPUT1').as('INT32'));
    }
    assert.deepEqual(results, new Array<number>(16).fill(0));
  });
});

test('no certificate, one that nobody signed for this server, or no TLS: no call gets through', async () => {
  const { ca } = IDENTITY;
  const strangers: Omit<GrpcClientOptions, 'url'>[] = [{ tls: { ca } }, { tls: true }, {}];
  for (const options of strangers) {
    await assert.rejects(
      withClient(options, (client) => client.infer('add_sub', { inputs })),
      { name: 'InferenceServerError' },
    );
  }
  const { inferenceCount } = (await withClient({ tls: IDENTITY }, (client) => client.statistics('add_sub')))[0]!;
  assert.equal(Number(inferenceCount), 2);
});
