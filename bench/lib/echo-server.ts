/**
 * The limit of the benchmark of large tensors: gathers a body in one piece, as whoever looks at it must, and sends it back. `node
 * echo-server.ts http` over HTTP, `… grpc` as a call with hand-made framing. Prints its port.
 */
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';

/** What a client may send before it has to wait; Node's own 64 KiB would measure nothing but waiting. */
const WINDOW_BYTES = 16 * 2 ** 20;

function httpEcho(): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length });
      response.end(body);
    });
  });
}

function grpcEcho(): Server {
  const server = createHttp2Server({ settings: { initialWindowSize: WINDOW_BYTES } });
  server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES));
  server.on('stream', (stream) => {
    const chunks: Buffer[] = [];
    // The load goes away in the middle of its calls.
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat(chunks));
    });
  });
  return server;
}

const server = process.argv[2] === 'grpc' ? grpcEcho() : httpEcho();
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`listening at 127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);
process.on('SIGTERM', () => process.exit(0));
