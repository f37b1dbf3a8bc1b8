import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { RecordedRequest } from './transcripts-types.ts';

export interface RawResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const ANSWER_TIMEOUT_MS = 60_000;

/** The request's body, undefined when it was sent without one (no Content-Length either). */
function requestBody(request: RecordedRequest): Buffer | undefined {
  if (request.bodyGzipBase64 !== undefined) return gunzipSync(Buffer.from(request.bodyGzipBase64, 'base64'));
  if (request.bodyBase64 === undefined || request.bodyBase64 === null) return undefined;
  return Buffer.from(request.bodyBase64, 'base64');
}

/**
 * Sends a recorded request byte for byte over a connection of its own. A raw socket, not a client library: recorded paths and headers
 * include what a library would refuse or tidy up.
 */
export async function replay(request: RecordedRequest, host: string, port: number): Promise<RawResponse> {
  const body = requestBody(request);
  const headers = Object.entries(request.headers ?? {});
  const chunked = headers.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  const expectContinue = headers.some(([name]) => name.toLowerCase() === 'expect');
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `Host: ${host}:${port}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (body !== undefined && !chunked) lines.push(`Content-Length: ${body.length}`);
  lines.push('Connection: close');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

  const socket = connect({ host, port });
  try {
    const received = collect(socket);
    socket.write(head);
    if (expectContinue) await received.until((bytes) => bytes.includes('\r\n\r\n'));
    if (body !== undefined) socket.write(chunked ? inThreeChunks(body) : body);
    return parseResponse(await received.end(), request.method === 'HEAD');
  } finally {
    socket.destroy();
  }
}

function inThreeChunks(body: Buffer): Buffer {
  const third = Math.max(1, Math.ceil(body.length / 3));
  const parts: Buffer[] = [];
  for (let start = 0; start < body.length; start += third) {
    const chunk = body.subarray(start, start + third);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}

/** Gathers what arrives; `until` settles when the test first holds, `end` when the peer closes. */
function collect(socket: Socket): { until(test: (bytes: Buffer) => boolean): Promise<void>; end(): Promise<Buffer> } {
  let bytes = Buffer.alloc(0);
  let closed = false;
  let failure: Error | undefined;
  let wake: () => void = () => {};
  const timer = setTimeout(
    () => socket.destroy(new Error(`no complete answer within ${ANSWER_TIMEOUT_MS} ms`)),
    ANSWER_TIMEOUT_MS,
  );
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => {
    clearTimeout(timer);
    closed = true;
    wake();
  });
  async function wait(done: () => boolean): Promise<void> {
    while (!done() && !closed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    until: (test) => wait(() => test(bytes)),
    async end() {
      await wait(() => false);
      // A reset after a complete answer (the server closed on a request it refused) still counts as an answer.
      if (bytes.length === 0 && failure !== undefined) throw failure;
      return bytes;
    },
  };
}

function parseResponse(bytes: Buffer, isHead: boolean): RawResponse {
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`not an HTTP answer: ${JSON.stringify(rest.subarray(0, 200).toString('latin1'))}`);
    const [statusLine = '', ...headerLines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    const headers = new Map<string, string>();
    for (const line of headerLines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    rest = rest.subarray(end + 4);
    if (status === 100) continue;
    const body = headers.get('transfer-encoding') === 'chunked' ? joinChunks(rest) : rest;
    return { status, headers, body: isHead ? Buffer.alloc(0) : body };
  }
}

function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let position = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', position);
    if (lineEnd < 0) throw new Error('the chunked answer ends inside a chunk header');
    const size = Number.parseInt(bytes.subarray(position, lineEnd).toString('latin1'), 16);
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    position = lineEnd + 2 + size + 2;
  }
}
