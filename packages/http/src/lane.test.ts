import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { AnswerHeads, DirectAnswer } from './answer.ts';
import { DirectLane, type DirectLaneOptions } from './lane.ts';

interface Started {
  readonly port: number;
  readonly lane: DirectLane;
  readonly server: Server;
  /** Settles with the first connection that `node:http` is given. */
  readonly adopted: Promise<void>;
}

/** A lane before a server, as the host has it: the lane answers `direct <body>`, the server `node <method> <body>`. */
async function started(context: TestContext, options: Partial<DirectLaneOptions> = {}): Promise<Started> {
  const server = createServer((message, response) => {
    let text = '';
    message.on('data', (chunk) => {
      text += String(chunk);
    });
    message.on('end', () => {
      const body = `node ${message.method} ${text}`;
      response.writeHead(200, { 'content-length': body.length }).end(body);
    });
  });
  const { promise: adopted, resolve: adopt } = Promise.withResolvers<void>();
  server.on('connection', () => adopt());
  const lane = new DirectLane(server, {
    serve: (_head, body, _caller, done) => done(answer(`direct ${Buffer.concat(body)}`)),
    rules: { path: /^\/endpoints\/[a-z]+\/invocations$/, maxBodyBytes: 1000 },
    heads: HEADS,
    idleTimeoutMs: 60_000,
    ...options,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    lane.close();
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, lane, server, adopted };
}

const HEADS: AnswerHeads = {
  text: ({ status, headers, body }, keepsAlive) => {
    const length =
      typeof body === 'string' || Buffer.isBuffer(body)
        ? `content-length: ${body.length}`
        : 'transfer-encoding: chunked';
    const connection = `connection: ${keepsAlive ? 'keep-alive' : 'close'}`;
    return `HTTP/1.1 ${status} OK\r\n${length}\r\n${connection}\r\n${headers.join(': ')}${headers.length > 0 ? '\r\n' : ''}\r\n`;
  },
};

function answer(text: string): DirectAnswer {
  return { status: 200, headers: ['x-a', 'b'], body: Buffer.from(text) };
}

function plain(body: string): string {
  return `POST /endpoints/e/invocations HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Sends the pieces, each once the one before is out, and reads `count` answers with lengths. */
function bodies(port: number, pieces: readonly string[], count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const found = [...readAnswers(text)];
      if (found.length < count) return;
      socket.destroy();
      resolve(found);
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error(`the server closed after: ${text}`)));
    const next = (at: number): void => {
      const piece = pieces[at];
      if (piece !== undefined) socket.write(piece, 'latin1', () => setImmediate(() => next(at + 1)));
    };
    next(0);
  });
}

function* readAnswers(text: string): Generator<string> {
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n\r\n', at);
    const head = text.slice(at, end);
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (text.length < end + 4 + length) return;
    yield text.slice(end + 4, end + 4 + length);
    at = end + 4 + length;
  }
}

test('plain requests are answered directly; the first other one takes the connection to node:http', async (context) => {
  const { port } = await started(context);
  const other = 'PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc';
  assert.deepEqual(await bodies(port, [plain('1'), plain(''), other, plain('2')], 4), [
    'direct 1',
    'direct ',
    'node PUT abc',
    'node POST 2',
  ]);
});

test('however requests are cut and however early they come, each has its answer, in order', async (context) => {
  const { port } = await started(context);
  const unusual =
    'POST /endpoints/e/invocations HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
  const request = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 900 }).map((body) => ({ text: plain(body), body })),
    },
    { weight: 1, arbitrary: fc.constant({ text: unusual, body: 'abc' }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 4 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
      async (requests, cuts) => {
        const text = requests.map((each) => each.text).join('');
        const edges = [0, ...cuts.map((cut) => Math.floor(cut * text.length)).sort((a, b) => a - b), text.length];
        const pieces = edges.slice(1).map((edge, index) => text.slice(edges[index], edge));
        const answers = await bodies(port, pieces, requests.length);
        assert.deepEqual(
          answers.map((each) => each.replace(/^(direct|node POST) /, '')),
          requests.map((each) => each.body),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('a streamed answer comes in chunks; one that breaks off, or grows too large, ends the connection', async (context) => {
  const streams: Record<string, () => AsyncGenerator<Buffer>> = {
    whole: async function* () {
      yield Buffer.from('one');
      yield Buffer.from('two');
    },
    broken: async function* () {
      yield Buffer.from('one');
      throw new Error('broken');
    },
    large: async function* () {
      for (let at = 0; at < 100; at += 1) yield Buffer.alloc(100);
    },
  };
  const { port } = await started(context, {
    serve: (_head, [name], _caller, done) => {
      const body = Readable.from(streams[String(name)]?.() ?? []);
      done({ status: 200, headers: [], body, maxBytes: 1000 });
    },
  });
  const received = (name: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(plain(name)));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.endsWith('0\r\n\r\n')) socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text.slice(text.indexOf('\r\n\r\n') + 4)));
    });
  assert.equal(await received('whole'), '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n');
  assert.equal(await received('broken'), '3\r\none\r\n');
  const large = await received('large');
  assert.ok(large.length < 1200 && !large.endsWith('0\r\n\r\n'));
});

test('a client that goes away is told of; a lane that closes answers what runs', async (context) => {
  const gone: string[] = [];
  const waiting = new Map<string, (answer: DirectAnswer) => void>();
  let arrived = (): void => undefined;
  const arrival = () =>
    new Promise<void>((resolve) => {
      arrived = resolve;
    });
  const { port, lane } = await started(context, {
    serve: (_head, body, caller, done) => {
      const name = Buffer.concat(body).toString();
      caller.onGone(() => {
        gone.push(name);
        arrived();
      });
      waiting.set(name, done);
      arrived();
    },
  });
  const [first, left] = [arrival(), connect(port, '127.0.0.1')];
  left.write(plain('left'));
  await first;
  const leaving = arrival();
  left.destroy();
  await leaving;
  assert.deepEqual(gone, ['left']);
  const idle = connect(port, '127.0.0.1');
  await once(idle, 'connect');
  const second = arrival();
  const staying = bodies(port, [plain('staying')], 1);
  await second;
  lane.close();
  idle.resume();
  await once(idle, 'end');
  waiting.get('staying')?.(answer('done'));
  assert.deepEqual(await staying, ['done']);
});

test('a body that does not come is left to node:http, which knows how long to wait', async (context) => {
  const { port, adopted } = await started(context, { bodyWaitMs: 1 });
  const text = plain('slow body');
  const cut = text.length - 3;
  const answers = new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(text.slice(0, cut)));
    adopted.then(() => socket.write(text.slice(cut)), reject);
    socket.on('data', (chunk) => {
      socket.destroy();
      resolve(String(chunk));
    });
    socket.on('error', reject);
  });
  assert.match(await answers, /node POST slow body$/);
});
