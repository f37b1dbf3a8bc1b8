import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import type { InferRequest } from '../api/index.ts';
import { nodeTransport } from '../node/index.ts';
import { type CannedServer, httpAnswer, startCannedServer } from '../test-support/canned-server.ts';
import { failureOf } from '../test-support/failure.ts';
import { HttpClient } from './client.ts';
import { fetchTransport } from './fetch-transport.ts';
import type { HttpTransport } from './transport.ts';

const REQUEST: InferRequest = { inputs: [{ name: 'I', dataType: 'INT8', shape: [1], data: [1] }] };
const JSON_PART =
  '{"model_name":"m","outputs":[{"name":"O","datatype":"INT8","shape":[4],"parameters":{"binary_data_size":4}}]}';
const LENGTH = 'inference-header-content-length';

const TRANSPORTS: readonly [name: string, create: () => HttpTransport][] = [
  ['fetch', fetchTransport],
  ['nodeTransport', nodeTransport],
];

for (const [name, create] of TRANSPORTS) {
  /** Runs one inference against a server that answers like this. */
  const withServer = async (
    answer: (socket: Socket) => void,
    use: (client: HttpClient, server: CannedServer) => Promise<void>,
    maxResponseBytes?: number,
  ): Promise<void> => {
    const server = await startCannedServer(answer);
    const client = new HttpClient({
      url: server.url,
      transport: create(),
      retry: { maxAttempts: 1 },
      ...(maxResponseBytes === undefined ? {} : { maxResponseBytes }),
    });
    try {
      await use(client, server);
    } finally {
      client.close();
      await server.close();
    }
  };
  const end = (bytes: Uint8Array | string) => (socket: Socket) => void socket.end(bytes);

  describe(`hostile answers, ${name}`, () => {
    test('a good answer is read', async () => {
      const good = httpAnswer(200, `${JSON_PART}\x01\x02\x03\x04`, { [LENGTH]: String(JSON_PART.length) });
      await withServer(end(good), async (client) => {
        const output = (await client.infer('m', REQUEST)).output('O');
        assert.deepEqual(output.as('INT8'), Int8Array.of(1, 2, 3, 4));
      });
    });

    for (const [what, bytes] of [
      ['a length of the JSON beyond the body', httpAnswer(200, JSON_PART, { [LENGTH]: '100000' })],
      ['a length of the JSON beyond 2^53', httpAnswer(200, JSON_PART, { [LENGTH]: '99999999999999999999' })],
      ['a negative length of the JSON', httpAnswer(200, JSON_PART, { [LENGTH]: '-1' })],
      ['a length of the JSON that is no number', httpAnswer(200, JSON_PART, { [LENGTH]: 'many' })],
      ['a length inside the JSON', httpAnswer(200, JSON_PART, { [LENGTH]: '10' })],
      [
        'contents shorter than the JSON says',
        httpAnswer(200, `${JSON_PART}\x01`, { [LENGTH]: String(JSON_PART.length) }),
      ],
      [
        'contents longer than the JSON says',
        httpAnswer(200, `${JSON_PART}12345`, { [LENGTH]: String(JSON_PART.length) }),
      ],
      [
        'two outputs of one name',
        httpAnswer(
          200,
          '{"outputs":[{"name":"O","datatype":"INT8","shape":[0],"data":[]},{"name":"O","datatype":"INT8","shape":[0],"data":[]}]}',
        ),
      ],
      ['an HTML page', httpAnswer(200, '<html>hello</html>')],
      ['an empty body', httpAnswer(200, '')],
      ['no HTTP', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
      ['a damaged gzip stream', httpAnswer(200, 'no gzip', { 'content-encoding': 'gzip' })],
      ['huge headers', httpAnswer(200, '{}', { 'x-large': 'x'.repeat(1 << 20) })],
    ] as const) {
      test(`${what} is INVALID_RESPONSE`, async () => {
        await withServer(end(bytes), async (client) => {
          const { code, message } = await failureOf(client.infer('m', REQUEST));
          assert.equal(code, 'INVALID_RESPONSE', message);
        });
      });
    }

    for (const [what, bytes] of [
      ['a body that breaks off', Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n${JSON_PART}`)],
      ['chunks that break off', Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc')],
      ['headers that break off', Buffer.from('HTTP/1.1 200 OK\r\ncontent-le')],
      ['a connection closed at once', Buffer.alloc(0)],
    ] as const) {
      test(`${what} is CONNECTION_FAILED, and may have run`, async () => {
        await withServer(end(bytes), async (client, server) => {
          const { code, message, notSent } = await failureOf(client.infer('m', REQUEST));
          assert.deepEqual([code, notSent], ['CONNECTION_FAILED', false], message);
          assert.equal(server.requests.length, 1);
        });
      });
    }

    test('a claim of more bytes than allowed is refused before they come', async () => {
      const claim = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n');
      await withServer(
        (socket) => void socket.write(claim),
        async (client) => {
          const { code, message } = await failureOf(client.infer('m', REQUEST));
          assert.equal(code, 'RESOURCE_EXHAUSTED');
          assert.match(message, /^the response has 5000000000 bytes, the limit is 2147483647/);
        },
      );
    });

    test('a body without end is refused at the limit', async () => {
      const endless = (socket: Socket): void => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const more = (): boolean => socket.destroyed || socket.write(Buffer.alloc(65536), more as () => void);
        more();
      };
      await withServer(
        endless,
        async (client) => assert.equal((await failureOf(client.infer('m', REQUEST))).code, 'RESOURCE_EXHAUSTED'),
        1 << 20,
      );
    });

    test('a gzip bomb is refused at the limit', async () => {
      const bomb = httpAnswer(200, gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' });
      await withServer(
        end(bomb),
        async (client) => assert.equal((await failureOf(client.infer('m', REQUEST))).code, 'RESOURCE_EXHAUSTED'),
        1 << 20,
      );
    });

    test('an endless error is cut off', async () => {
      await withServer(end(httpAnswer(500, 'x'.repeat(1 << 21))), async (client) => {
        assert.equal((await failureOf(client.infer('m', REQUEST))).code, 'RESOURCE_EXHAUSTED');
      });
    });

    test('redirects are not followed: headers with secrets stay here', async () => {
      const redirect = httpAnswer(307, '', { location: 'http://127.0.0.1:1/' });
      await withServer(end(redirect), async (client, server) => {
        const { status, message } = await failureOf(client.infer('m', REQUEST));
        assert.equal(status, 307);
        assert.match(message, /redirects are not followed/);
        assert.equal(server.requests.length, 1);
      });
    });

    for (const [what, body] of [
      ['a list', '[1]'],
      ['null', 'null'],
      ['a member of another kind', '{"name":1}'],
      ['names that are no texts', '{"extensions":[1]}'],
      ['a list that is an object', '{"extensions":{"a":"b"}}'],
      ['nesting without end', '['.repeat(1_000_000)],
      ['closed nesting', '['.repeat(5000) + ']'.repeat(5000)],
      ['very many values', `[${'0,'.repeat(600_000)}0]`],
    ] as const) {
      test(`metadata: ${what} is INVALID_RESPONSE`, async () => {
        await withServer(end(httpAnswer(200, body)), async (client) => {
          assert.equal((await failureOf(client.serverMetadata())).code, 'INVALID_RESPONSE');
        });
      });
    }

    test('prototype names are names', async () => {
      const body = '{"__proto__":{"polluted":true},"constructor":"c","name":"m"}';
      await withServer(end(httpAnswer(200, body)), async (client) => {
        const config = await client.modelConfig('m');
        assert.equal(config.name, 'm');
        assert.equal(Object.getPrototypeOf(config), Object.prototype);
        assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      });
    });

    for (const [status, body, code, message] of [
      [400, '{"error":"bad \\u00e9 input"}', 'INVALID_ARG', 'bad é input'],
      [401, '', 'UNAUTHENTICATED', 'the server answered HTTP 401 without a message'],
      [403, '{"error":"This API is restricted"}', 'PERMISSION_DENIED', 'This API is restricted'],
      [404, '{"error":"Not Found"}', 'NOT_FOUND', 'Not Found'],
      [413, 'too large', 'RESOURCE_EXHAUSTED', 'too large'],
      [418, '{"error":{"nested":true}}', 'UNKNOWN', '{"error":{"nested":true}}'],
      [500, 'data: {"error":"in an event"}\n\n', 'INTERNAL', 'in an event'],
      [501, '{"error":""}', 'UNSUPPORTED', ''],
      [502, '<html>Bad Gateway</html>', 'UNAVAILABLE', '<html>Bad Gateway</html>'],
      [503, '{"error":"busy"}', 'UNAVAILABLE', 'busy'],
    ] as const) {
      test(`HTTP ${status} is ${code}, its text kept`, async () => {
        await withServer(end(httpAnswer(status, body)), async (client) => {
          const error = await failureOf(client.infer('m', REQUEST));
          assert.deepEqual([error.code, error.status, error.message], [code, status, message]);
        });
      });
    }

    test('events: errors, rubbish and a broken stream', async () => {
      const stream = (...events: string[]) =>
        end(
          httpAnswer(200, events.map((event) => `data: ${event}\n\n`).join(''), {
            'content-type': 'text/event-stream',
          }),
        );
      await withServer(stream('{"model_name":"m","O":1}', '{"error":"out of tokens"}'), async (client) => {
        const events = client.generateStream('m', {});
        assert.deepEqual((await events.next()).value, { model_name: 'm', O: 1 });
        const error = await failureOf(events.next());
        assert.deepEqual([error.code, error.message], ['UNKNOWN', 'out of tokens']);
      });
      await withServer(stream('[1]'), async (client) => {
        assert.equal((await failureOf(client.generateStream('m', {}).next())).code, 'INVALID_RESPONSE');
      });
      const broken = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\ndata: {"O":1}\n\n\n\r\n';
      await withServer(end(broken), async (client) => {
        const events = client.generateStream('m', {});
        assert.deepEqual((await events.next()).value, { O: 1 });
        assert.equal((await failureOf(events.next())).code, 'CONNECTION_FAILED');
      });
      const long = `HTTP/1.1 200 OK\r\n\r\ndata: ${'x'.repeat(2_000_000)}`;
      await withServer(
        (socket) => void socket.write(long),
        async (client) => {
          assert.equal((await failureOf(client.generateStream('m', {}).next())).code, 'RESOURCE_EXHAUSTED');
        },
        1 << 20,
      );
    });

    test('leaving a stream ends the connection', async () => {
      let closed: Promise<void> | undefined;
      const answer = (socket: Socket): void => {
        closed = new Promise((resolve) => socket.once('close', () => resolve()));
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\ndata: {"O":1}\n\n\n\r\n');
      };
      await withServer(answer, async (client) => {
        for await (const event of client.generateStream('m', {})) {
          assert.deepEqual(event, { O: 1 });
          break;
        }
        await closed;
      });
    });
  });
}

test('nodeTransport refuses codings it does not know', async () => {
  for (const coding of ['br', 'gzip, gzip']) {
    const server = await startCannedServer((socket) =>
      socket.end(httpAnswer(200, '{}', { 'content-encoding': coding })),
    );
    const client = new HttpClient({ url: server.url, transport: nodeTransport() });
    assert.equal((await failureOf(client.serverMetadata())).code, 'INVALID_RESPONSE');
    client.close();
    await server.close();
  }
  const raw = await startCannedServer((socket) =>
    socket.end(httpAnswer(200, deflateRawSync('{}'), { 'content-encoding': 'deflate' })),
  );
  const client = new HttpClient({ url: raw.url, transport: nodeTransport() });
  assert.equal((await failureOf(client.serverMetadata())).code, 'INVALID_RESPONSE');
  client.close();
  await raw.close();
});
