import assert from 'node:assert/strict';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { toyModel } from '../../core/test-support/configs.ts';
import { startCore } from '../../core/test-support/harness.ts';
import type { GrpcFrontendOptions } from './index.ts';
import { GrpcClient } from './test-support/grpc-client.ts';
import { startGrpc } from './test-support/start-grpc.ts';

const INFER = '/inference.GRPCInferenceService/ModelInfer';

interface Target {
  readonly port: number;
  /** Asserts that an honest client is still served. */
  stillServes(): Promise<void>;
}

async function start(context: TestContext, options: Partial<GrpcFrontendOptions> = {}): Promise<Target> {
  const { core } = await startCore([toyModel('copy')]);
  const { port } = await startGrpc(context, core, options);
  const client = new GrpcClient(context, port);
  return {
    port,
    stillServes: async () => {
      const { live } = await client.unary(GRPCInferenceService.method.serverLive, {});
      assert.equal(live, true);
    },
  };
}

/** A connection under the test's control. */
function open(context: TestContext, port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  context.after(() => session.destroy());
  return new Promise((resolve) => session.once('remoteSettings', () => resolve(session)));
}

function begin(session: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': INFER,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => {});
  stream.resume();
  return stream;
}

/** `grpc-status grpc-message` of a call, or `HTTP <status>`, or how the stream ended. */
function outcome(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    const take = (headers: IncomingHttpHeaders & { ':status'?: number }) => {
      if (headers['grpc-status'] !== undefined) resolve(`${headers['grpc-status']} ${headers['grpc-message'] ?? ''}`);
      else if ((headers[':status'] ?? 200) !== 200) resolve(`HTTP ${headers[':status']}`);
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('close', () => resolve(`closed ${stream.rstCode}`));
  });
}

function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

test('a message over the limit is refused before it is sent', async (context) => {
  const { port, stillServes } = await start(context, { limits: { maxMessageBytes: 1000 } });
  const stream = begin(await open(context, port));
  const refused = outcome(stream);
  stream.write(framed(Buffer.alloc(10), 0, 1_000_000_000));
  assert.equal(await refused, '8 SERVER: Received message larger than max (1000000000 vs. 1000)');
  await stillServes();
});

test('a length that is not kept is found at the end of the stream', async (context) => {
  const { port, stillServes } = await start(context);
  const session = await open(context, port);
  for (const bytes of [
    framed(Buffer.alloc(10), 0, 2 ** 31 - 1),
    Buffer.from([0, 0, 0]),
    framed(Buffer.alloc(3), 0, 9),
  ]) {
    const stream = begin(session);
    const refused = outcome(stream);
    stream.end(bytes);
    assert.equal(await refused, '13 Message is cut off');
  }
  await stillServes();
});

test('no message, two messages, a flag that is none', async (context) => {
  const { port } = await start(context);
  const session = await open(context, port);
  const send = (bytes: Buffer) => {
    const stream = begin(session);
    const result = outcome(stream);
    stream.end(bytes);
    return result;
  };
  assert.equal(await send(Buffer.alloc(0)), '12 Request message is missing');
  assert.equal(
    await send(Buffer.concat([framed(Buffer.alloc(0)), framed(Buffer.alloc(0))])),
    '12 Too many request messages',
  );
  assert.equal(await send(framed(Buffer.alloc(0), 7)), '13 Invalid message flag: 7');
});

test('compressed messages: without a codec, with an unknown one, damaged, and bombs', async (context) => {
  const { port, stillServes } = await start(context, { limits: { maxUnpackedBytes: 1_000_000 } });
  const session = await open(context, port);
  const send = (bytes: Buffer, headers: Record<string, string>) => {
    const stream = begin(session, headers);
    const result = outcome(stream);
    stream.end(bytes);
    return result;
  };
  const small = gzipSync(Buffer.alloc(10));
  assert.equal(await send(framed(small, 1), {}), '13 Message is compressed, but the call names no compression');
  assert.equal(
    await send(framed(small, 1), { 'grpc-encoding': 'br' }),
    "12 Compression algorithm 'br' is not supported",
  );
  assert.equal(
    await send(framed(Buffer.from('not gzip'), 1), { 'grpc-encoding': 'gzip' }),
    '13 Failed to decompress a gzip message',
  );
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const tooLarge = '8 SERVER: Received message larger than max (unpacks to more than 1000000 bytes)';
  assert.equal(await send(framed(bomb, 1), { 'grpc-encoding': 'gzip' }), tooLarge);
  assert.equal(await send(framed(gzipSync(Buffer.alloc(1_500_000)), 1), { 'grpc-encoding': 'gzip' }), tooLarge);
  await stillServes();
});

test('unknown fields by the million, groups in groups, what is not protobuf', async (context) => {
  const { port, stillServes } = await start(context);
  const session = await open(context, port);
  const send = (message: Buffer) => {
    const stream = begin(session);
    const result = outcome(stream);
    stream.end(framed(message));
    return result;
  };
  const unknown = Buffer.alloc(2_000_000, Buffer.from([(15 << 3) | 0, 1]));
  assert.match(await send(unknown), /^5 Request for unknown model: '' is not found/);
  assert.equal(await send(Buffer.alloc(100_000, (15 << 3) | 3)), '13 Unable to parse request');
  assert.equal(await send(Buffer.from([255, 255, 255])), '13 Unable to parse request');
  await stillServes();
});

test('other methods, content types, paths and timeouts', async (context) => {
  const { port } = await start(context);
  const session = await open(context, port);
  const send = (headers: Record<string, string>) => {
    const stream = begin(session, headers);
    const result = outcome(stream);
    stream.end(framed(Buffer.alloc(0)));
    return result;
  };
  assert.equal(await send({ 'content-type': 'application/json' }), 'HTTP 415');
  assert.equal(await send({ ':path': '/inference.GRPCInferenceService/Nope' }), '12 ');
  assert.equal(await send({ ':path': '/' }), '12 ');
  assert.equal(await send({ 'grpc-timeout': 'soon' }), '13 Invalid grpc-timeout: soon');
});

test('rapid resets end at worst their own connection', async (context) => {
  const { port, stillServes } = await start(context);
  const session = await open(context, port);
  for (let index = 0; index < 5000 && !session.destroyed; index++) {
    begin(session).close(constants.NGHTTP2_CANCEL);
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await stillServes();
});

test('more calls at once than allowed wait or are refused', async (context) => {
  const { port, stillServes } = await start(context, { limits: { maxConcurrentCalls: 10 } });
  const session = await open(context, port);
  assert.equal(session.remoteSettings.maxConcurrentStreams, 10);
  for (let index = 0; index < 200; index++) begin(session).write(framed(Buffer.alloc(0), 0, 100));
  await stillServes();
});

test('headers by the hundred kilobytes are refused', async (context) => {
  const { port, stillServes } = await start(context);
  const session = await open(context, port);
  const headers = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'v'.repeat(500)]));
  const stream = begin(session, headers);
  stream.end();
  assert.doesNotMatch(await outcome(stream), /^0/);
  await stillServes();
});

/** A frame of HTTP/2. */
function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);

/** Sends bytes over a connection of its own until the server closes it. */
function untilClosed(port: number, first: Buffer, more?: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    const flood = (): void => {
      while (more !== undefined && !socket.destroyed && socket.write(more));
    };
    socket.on('drain', flood);
    socket.write(first);
    flood();
  });
}

test('a flood of CONTINUATION frames ends its connection', { timeout: 20_000 }, async (context) => {
  const { port, stillServes } = await start(context);
  const headers = frame(1, 0, 1, Buffer.from([0x82, 0x84]));
  // A literal header without indexing: `a: <100 bytes>`.
  const literal = Buffer.concat([Buffer.from([0, 1, 97, 100]), Buffer.alloc(100, 98)]);
  await untilClosed(port, Buffer.concat([PREFACE, headers]), frame(9, 0, 1, literal));
  await stillServes();
});

test('a flood of pings ends its connection', { timeout: 20_000 }, async (context) => {
  const { port, stillServes } = await start(context);
  await untilClosed(port, PREFACE, frame(6, 0, 0, Buffer.alloc(8)));
  await stillServes();
});

test('pings that answer data on a stream are no flood', { timeout: 20_000 }, async (context) => {
  const { port } = await start(context);
  const session = await open(context, port);
  const stream = begin(session, { ':path': '/inference.GRPCInferenceService/ModelStreamInfer' });
  for (let message = 0; message < 12; message++) {
    const answered = new Promise((resolve) => stream.once('data', resolve));
    stream.write(framed(Buffer.alloc(0)));
    await answered;
    await new Promise<void>((resolve, reject) => {
      session.once('close', () => reject(new Error(`closed at ping ${message}`)));
      session.ping((error) => (error ? reject(error) : resolve()));
    });
  }
});

test('what is no HTTP/2 is closed', { timeout: 20_000 }, async (context) => {
  const { port, stillServes } = await start(context);
  await untilClosed(port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  await untilClosed(port, Buffer.alloc(1000, 255));
  await stillServes();
});

test('a connection that says nothing is closed', { timeout: 20_000 }, async (context) => {
  const { port } = await start(context, { limits: { handshakeTimeoutMs: 50 } });
  await untilClosed(port, Buffer.from('PRI'));
});

test('a connection that has come of age is closed', { timeout: 20_000 }, async (context) => {
  const { port, stillServes } = await start(context, {
    keepAlive: { maxConnectionAgeMs: 50, maxConnectionAgeGraceMs: 50 },
  });
  const session = await open(context, port);
  begin(session).write(framed(Buffer.alloc(0), 0, 100));
  await new Promise((resolve) => session.once('close', resolve));
  await stillServes();
});

test('a client that does not answer pings is let go', { timeout: 20_000 }, async (context) => {
  const { port } = await start(context, { keepAlive: { timeMs: 30, timeoutMs: 30, permitWithoutCalls: true } });
  // Settings are acknowledged, pings are not.
  await untilClosed(port, Buffer.concat([PREFACE, frame(4, 1, 0)]));
});
