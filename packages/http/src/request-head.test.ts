import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { DirectHeads, type DirectRules, readDirectHead } from './request-head.ts';

const RULES: DirectRules = {
  path: /^\/endpoints\/[a-z-]+\/invocations$/,
  maxBodyBytes: 1000,
  accepts: (headers) => headers['x-other'] === undefined,
};
const PLAIN = 'POST /endpoints/my-endpoint/invocations HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n';

const read = (text: string) => readDirectHead(Buffer.from(text, 'latin1'), RULES);

test('a request as SDKs write it', () => {
  const head = read(`${PLAIN}X-Amz-Date:  20260101T000000Z \r\nCONNECTION: Keep-Alive\r\n\r\n{}`);
  assert.deepEqual(head, {
    rawPath: '/endpoints/my-endpoint/invocations',
    headers: { host: 'h', 'content-length': '2', 'x-amz-date': '20260101T000000Z', connection: 'Keep-Alive' },
    rawHeaders: ['Host', 'h', 'Content-Length', '2', 'X-Amz-Date', '20260101T000000Z', 'CONNECTION', 'Keep-Alive'],
    bodyBytes: 2,
    headBytes: 136,
  });
  assert.ok(read(`${PLAIN}X-Name: caf\xe9\r\n\r\n`), 'latin-1 in values');
});

test('whatever is not plain is left to node:http', () => {
  const end = '\r\n\r\n';
  for (const text of [
    PLAIN,
    `${PLAIN.replace('POST', 'PUT')}\r\n`,
    `${PLAIN.replace('1.1', '1.0')}\r\n`,
    `${PLAIN.replace('invocations', 'async-invocations')}\r\n`,
    `${PLAIN.replace('/invocations', '/invocations?X-Amz-Signature=1')}\r\n`,
    `${PLAIN.replace('my-endpoint', 'my/endpoint')}\r\n`,
    `${PLAIN.replace('Host: h\r\n', '')}\r\n`,
    `${PLAIN.replace('Length: 2', 'Length: 1001')}\r\n`,
    `${PLAIN.replace('Length: 2', 'Length: +2')}\r\n`,
    `${PLAIN.replace('Length: 2', 'Length: 0x2')}\r\n`,
    `${PLAIN.replace('Content-Length: 2', 'A: b')}\r\n`,
    `${PLAIN}Content-Length: 2${end}`,
    `${PLAIN}Transfer-Encoding: chunked${end}`,
    `${PLAIN}transfer-encoding : chunked${end}`,
    `${PLAIN}Expect: 100-continue${end}`,
    `${PLAIN}Upgrade: h2c${end}`,
    `${PLAIN}Connection: close${end}`,
    `${PLAIN}Connection: X-Amz-Date${end}`,
    `${PLAIN}X-Other: 1${end}`,
    `${PLAIN} folded: 1${end}`,
    `${PLAIN}A: 1\nTransfer-Encoding: chunked${end}`,
    `${PLAIN}A: 1\rB: 2${end}`,
    `${PLAIN}A: \0${end}`,
    `${PLAIN}A${end}`,
    `${PLAIN}: 1${end}`,
    `${PLAIN}__proto__: 1${end}`,
    `${PLAIN}${Array.from({ length: 70 }, (_, index) => `A${index}: 1\r\n`).join('')}\r\n`,
    `${PLAIN}A: ${'x'.repeat(20_000)}${end}`,
  ]) {
    assert.equal(read(text), undefined, JSON.stringify(text.slice(0, 200)));
  }
});

test('what is taken is what node:http would have read', async (context) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const asNodeReads = async (text: string): Promise<IncomingMessage> => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(text, 'latin1')));
    const [message] = (await once(server, 'request')) as [IncomingMessage];
    socket.destroy();
    return message;
  };
  const name = fc.constantFrom('X-A', 'x-amz-date', 'Accept', 'constructor', 'cookie', 'Date', 'User-Agent', 'From');
  const value = fc.string({ unit: fc.constantFrom('a', ' ', '\t', ',', ';', '"', '\xe9', ':'), maxLength: 12 });
  const lines = fc.array(fc.tuple(name, value), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lines, async (pairs) => {
      const text = `${PLAIN}${pairs.map((pair) => `${pair.join(':')}\r\n`).join('')}\r\n`;
      const head = read(text);
      if (head === undefined) return;
      const message = await asNodeReads(text);
      assert.equal(head.rawPath, message.url);
      assert.deepEqual({ ...head.headers }, { ...message.headers });
      assert.deepEqual(head.rawHeaders, message.rawHeaders);
    }),
    { numRuns: 60 },
  );
});

test('the same bytes are the same head, whatever follows them', () => {
  const heads = new DirectHeads(RULES);
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
  const first = heads.read(bytes(`${PLAIN}A: 1\r\n\r\n{}`));
  assert.equal(heads.read(bytes(`${PLAIN}A: 1\r\n\r\n`)), first);
  assert.equal(heads.read(bytes(`${PLAIN}A: 2\r\n\r\n{}`))?.headers['a'], '2');
  assert.equal(heads.read(bytes(`${PLAIN}A: 2\r\nExpect: 100-continue\r\n\r\n`)), undefined);
  assert.equal(heads.read(bytes(`${PLAIN}A: 2\r\n`)), undefined);
  assert.equal(heads.read(bytes(`${PLAIN}A: 2\r\n\r\n`))?.headers['a'], '2');
});
