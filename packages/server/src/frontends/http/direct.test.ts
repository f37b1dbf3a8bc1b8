import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSub, FakeServer, SIMPLE } from '../test-support/fake-server.ts';
import { startHttp } from '../test-support/frontends.ts';
import { exchange } from '../test-support/http-client.ts';

const JSON_BODY = JSON.stringify({
  id: '7',
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, shape: [1, 16], datatype: 'INT32', data: Array(16).fill(1) })),
});
const BINARY_HEADER = JSON.stringify({
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    parameters: { binary_data_size: 64 },
  })),
  parameters: { binary_data_output: true },
});
const BINARY = {
  body: BINARY_HEADER + '\x01\x00\x00\x00'.repeat(32),
  headers: { 'Inference-Header-Content-Length': BINARY_HEADER.length },
};

const REQUESTS: Readonly<
  Record<string, { path?: string; body: string; headers?: Readonly<Record<string, string | number>> }>
> = {
  JSON: { body: JSON_BODY },
  binary: BINARY,
  'a version': { path: '/v2/models/simple/versions/1/infer', body: JSON_BODY },
  'an unknown model': { path: '/v2/models/nosuch/infer', body: JSON_BODY },
  'a version that is no number': { path: '/v2/models/simple/versions/x/infer', body: JSON_BODY },
  'an escaped name': { path: '/v2/models/sim%70le/infer', body: JSON_BODY },
  'no body': { body: '' },
  'no JSON': { body: '{' },
  'a header length that lies': { body: JSON_BODY, headers: { 'Inference-Header-Content-Length': 100_000 } },
  'a raw tensor': { body: 'x', headers: { 'Inference-Header-Content-Length': 0 } },
  'a coding nobody reads': { body: JSON_BODY, headers: { 'Content-Encoding': 'br' } },
  'a packed answer': { body: JSON_BODY, headers: { 'Accept-Encoding': 'gzip' } },
};

const LAST = 'GET /v2/health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

/** The request as text, another behind it that ends the connection; `unusual` makes it one that only `node:http` takes. */
function text(name: string, unusual: string): string {
  const { path = '/v2/models/simple/infer', body, headers = {} } = REQUESTS[name]!;
  const lines = Object.entries({ Host: 'h', 'Content-Length': body.length, ...headers }).map(
    ([header, value]) => `${header}: ${value}\r\n`,
  );
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}${unusual}\r\n${body}${LAST}`;
}

for (const name of Object.keys(REQUESTS)) {
  test(`${name}: taken directly or by node:http, the answer is the same to the byte`, async (context) => {
    const port = await startHttp(context, new FakeServer().add(SIMPLE, addSub));
    const direct = await exchange(port, text(name, ''));
    const byNode = await exchange(port, text(name, 'X-Twice: 1\r\nX-Twice: 2\r\n'));
    assert.match(direct, /^HTTP\/1\.1 \d{3} .*\r\nConnection: keep-alive\r\nKeep-Alive: timeout=\d+\r\n\r\n/s);
    assert.equal(direct, byNode);
  });
}
