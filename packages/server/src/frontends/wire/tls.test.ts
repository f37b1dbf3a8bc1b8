import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createMetricsFrontend } from '../metrics/index.ts';
import { addSub, FakeServer, SIMPLE } from '../test-support/fake-server.ts';
import { startHttp } from '../test-support/frontends.ts';
import { exchange } from '../test-support/http-client.ts';
import type { HttpTlsOptions } from './tls.ts';

// A root and two certificates that it signed, made for these tests with openssl.
const file = (name: string) => fileURLToPath(new URL(`../grpc/test-support/certificates/${name}`, import.meta.url));
const contents = (name: string) => readFileSync(file(name));
const TLS: HttpTlsOptions = { certificateFile: file('server.pem'), keyFile: file('server-key.pem') };
const MUTUAL: HttpTlsOptions = { ...TLS, clientRootFile: file('root.pem') };

function start(context: TestContext, tls: HttpTlsOptions): Promise<number> {
  return startHttp(context, new FakeServer().add(SIMPLE, addSub), { tls });
}

function getStatus(port: number, more: Record<string, unknown> = {}): Promise<number | string> {
  const options = { host: 'localhost', port, path: '/v2/health/live', ca: contents('root.pem'), agent: false, ...more };
  return new Promise((resolve) => {
    request(options, (res) => {
      res.resume();
      resolve(res.statusCode ?? 0);
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end();
  });
}

test('requests over TLS', async (context) => {
  const port = await start(context, TLS);
  assert.equal(await getStatus(port), 200);
  assert.equal(typeof (await getStatus(port, { ca: contents('client.pem') })), 'string', 'the certificate is checked');
  assert.equal(typeof (await getStatus(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })), 'string');
});

test('what is no TLS is closed, and the server goes on', async (context) => {
  const port = await start(context, TLS);
  const answer = await exchange(port, 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.doesNotMatch(answer, /200/);
  await exchange(port, Buffer.alloc(300, 0x16));
  assert.equal(await getStatus(port), 200);
});

test('clients with and without a certificate', async (context) => {
  const port = await start(context, MUTUAL);
  assert.equal(typeof (await getStatus(port)), 'string');
  assert.equal(await getStatus(port, { cert: contents('client.pem'), key: contents('client-key.pem') }), 200);
});

test('the metrics port', async (context) => {
  const metrics = createMetricsFrontend({ host: '127.0.0.1', port: 0, tls: TLS, page: () => 'page' });
  const { port } = await metrics.listen();
  context.after(async () => {
    const closed = metrics.close();
    metrics.destroy();
    await closed;
  });
  assert.equal(await getStatus(port, { path: '/metrics' }), 200);
});

test('a certificate that is replaced holds for new connections', async (context) => {
  const directory = join(tmpdir(), `nereid-tls-${randomUUID()}`);
  mkdirSync(directory);
  context.after(() => rmSync(directory, { recursive: true }));
  const [certificateFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  copyFileSync(file('server.pem'), certificateFile);
  copyFileSync(file('server-key.pem'), keyFile);
  const noticed: (() => void)[] = [];
  const waitForLog = () => new Promise<void>((resolve) => noticed.push(resolve));
  const note = () => noticed.shift()?.();
  const port = await startHttp(context, new FakeServer(), {
    tls: { certificateFile, keyFile },
    log: { info: note, error: note, warning() {}, verbose() {} },
  });
  const serial = () =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: 'localhost', port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
    });
  const before = await serial();
  // The key does not go with the new certificate yet: the old pair stays.
  const [mismatch] = [waitForLog()];
  copyFileSync(file('client.pem'), certificateFile);
  await mismatch;
  assert.equal(await serial(), before);
  const matching = waitForLog();
  copyFileSync(file('client-key.pem'), keyFile);
  await matching;
  assert.notEqual(await serial(), before);
});

test('files that cannot be used are named at the start', async (context) => {
  await assert.rejects(start(context, { ...TLS, keyFile: '/nowhere.pem' }), {
    name: 'StatusError',
    message: /^--http-tls-key '\/nowhere\.pem' cannot be read: ENOENT/,
  });
  await assert.rejects(start(context, { ...TLS, keyFile: file('client-key.pem') }), {
    name: 'StatusError',
    message: /^--http-tls-cert '.*server\.pem' and --http-tls-key '.*client-key\.pem' cannot be used: /,
  });
});
