import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange } from '../test-support/http-client.ts';
import type { DirectRequest, DirectResponse } from './direct-exchange.ts';
import { DEFAULT_HTTP_LIMITS } from './limits.ts';
import { HttpListener } from './listener.ts';
import { send } from './reply.ts';

const LAST = 'GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const post = (path: string, body: string, headers = '') =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;

test('plain requests to the direct paths do not pass node:http, all others do', async (context) => {
  const direct: string[] = [];
  const byNode: string[] = [];
  const listener = new HttpListener({ host: '127.0.0.1', port: 0 }, DEFAULT_HTTP_LIMITS, {
    apiOf: () => undefined,
    handle: (req, res) => {
      byNode.push(`${req.method} ${req.url}`);
      res.end();
    },
    direct: {
      path: /^\/direct$/,
      handle: (req: DirectRequest, res: DirectResponse) => {
        direct.push(`${req.url} ${req.body}`);
        send(res, 200, [], req.body);
      },
    },
  });
  const { port } = await listener.listen();
  context.after(() => listener.close());
  const answers = await exchange(port, post('/direct', 'a') + post('/direct', 'b') + post('/other', 'c') + LAST);
  assert.deepEqual(direct, ['/direct a', '/direct b']);
  assert.deepEqual(byNode, ['POST /other', 'GET /end']);
  assert.equal(answers.match(/HTTP\/1\.1 200 OK/g)?.length, 4);
  await exchange(port, post('/direct', 'd', 'Connection: close\r\n'));
  await exchange(port, post('/direct', 'e'.repeat(64 * 1024 + 1)) + LAST);
  assert.deepEqual(byNode.slice(2), ['POST /direct', 'POST /direct', 'GET /end']);
});
