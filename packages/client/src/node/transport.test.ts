import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpClient } from '../http/index.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../test-support/certificate.ts';
import { failureOf } from '../test-support/failure.ts';
import { nodeTransport } from './transport.ts';

const METADATA = '{"name":"n","version":"1","extensions":[]}';
const answer: RequestListener = (_, res) => res.end(METADATA);

async function listen(server: Server, place: number | string = 0): Promise<number> {
  const where = typeof place === 'number' ? { host: '127.0.0.1', port: place } : { path: place };
  await new Promise<void>((resolve) => server.listen(where, resolve));
  const address = server.address() as AddressInfo | string;
  return typeof address === 'string' ? 0 : address.port;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

test('connections are used again, and no more are made than allowed', async () => {
  let connections = 0;
  const server = createServer((_, res) => void setImmediate(() => res.end(METADATA)));
  server.on('connection', () => connections++);
  const url = `http://127.0.0.1:${await listen(server)}`;
  const client = new HttpClient({ url, transport: nodeTransport({ maxConnections: 2 }) });
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 10 }, () => client.serverMetadata()));
  assert.equal(connections, 2);
  client.close();
  await close(server);
});

test('TLS: the authority counts, and the name', async () => {
  const server = createSecureServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, answer);
  const url = `https://127.0.0.1:${await listen(server)}`;
  const ask = async (tls: Parameters<typeof nodeTransport>[0]) => {
    const client = new HttpClient({ url, transport: nodeTransport(tls), retry: { maxAttempts: 1 } });
    return await client.serverMetadata().finally(() => client.close());
  };
  assert.equal((await ask({ tls: { ca: TEST_CERTIFICATE } })).name, 'n');
  assert.equal((await ask({ tls: { ca: Buffer.from(TEST_CERTIFICATE), servername: 'localhost' } })).name, 'n');
  assert.equal((await ask({ tls: { rejectUnauthorized: false } })).name, 'n');
  assert.match((await failureOf(ask({}))).message, /self-signed certificate/);
  const otherName = await failureOf(ask({ tls: { ca: TEST_CERTIFICATE, servername: 'elsewhere' } }));
  assert.match(otherName.message, /Hostname\/IP does not match/);
  await close(server);
});

test('TLS: the client shows its certificate where the server asks for one', async () => {
  const server = createSecureServer(
    { cert: TEST_CERTIFICATE, key: TEST_KEY, ca: TEST_CERTIFICATE, requestCert: true, rejectUnauthorized: true },
    answer,
  );
  const url = `https://127.0.0.1:${await listen(server)}`;
  const tls = { ca: TEST_CERTIFICATE, cert: TEST_CERTIFICATE, key: Buffer.from(TEST_KEY) };
  const client = new HttpClient({ url, transport: nodeTransport({ tls }) });
  assert.equal((await client.serverMetadata()).name, 'n');
  client.close();
  const stranger = new HttpClient({
    url,
    transport: nodeTransport({ tls: { ca: TEST_CERTIFICATE } }),
    retry: { maxAttempts: 1 },
  });
  assert.equal((await failureOf(stranger.serverMetadata())).code, 'CONNECTION_FAILED');
  stranger.close();
  await close(server);
});

test('a Unix socket instead of a port', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-socket-'));
  const socketPath = join(directory, 'http.sock');
  const server = createServer(answer);
  await listen(server, socketPath);
  const client = new HttpClient({ url: 'http://localhost', transport: nodeTransport({ socketPath }) });
  assert.equal((await client.serverMetadata()).version, '1');
  client.close();
  await close(server);
  rmSync(directory, { recursive: true });
});
