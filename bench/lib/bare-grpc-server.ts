/**
 * The limit of the tiny gRPC benchmark: a `node:http2` handler that takes the two tensors out of the message by hand, calls the same session
 * and answers, with no checks, no routing, no statistics. `node bare-grpc-server.ts MODEL` prints its port.
 */
import { readFileSync } from 'node:fs';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { OnnxRuntime } from '@nereid/engine';
import { ModelInferResponseSchema } from '@nereid/protocol/grpc-service';

const SHAPE = [1, 16];
const TENSOR_BYTES = 64;
const PREFIX_BYTES = 5;
const RAW_INPUT_CONTENTS = 7;
const RAW_OUTPUT_TAG = (6 << 3) | 2;

const runtime = new OnnxRuntime();
const session = await runtime.load(readFileSync(process.argv[2] ?? ''));

/** All of the answer that stands in front of the contents: it is always the same. */
const HEAD = toBinary(
  ModelInferResponseSchema,
  create(ModelInferResponseSchema, {
    modelName: 'simple',
    modelVersion: '1',
    outputs: ['OUTPUT0', 'OUTPUT1'].map((name) => ({ name, datatype: 'INT32', shape: SHAPE.map(BigInt) })),
  }),
);
const ANSWER_BYTES = PREFIX_BYTES + HEAD.length + 2 * (2 + TENSOR_BYTES);

/** Contents of the message's `raw_input_contents`; every other field is passed over. Lengths are below 128. */
function rawContents(body: Buffer): Buffer[] {
  const contents: Buffer[] = [];
  for (let offset = PREFIX_BYTES; offset < body.length; ) {
    const start = offset + 2;
    const end = start + body[offset + 1]!;
    if (body[offset]! >> 3 === RAW_INPUT_CONTENTS) contents.push(body.subarray(start, end));
    offset = end;
  }
  return contents;
}

function answer(stream: ServerHttp2Stream, body: Buffer): void {
  const results = session.runSync(
    rawContents(body).map((data, input) => ({ input, dataType: 'INT32' as const, shape: SHAPE, data })),
  );
  const message = Buffer.allocUnsafe(ANSWER_BYTES);
  message[0] = 0;
  message.writeUInt32BE(ANSWER_BYTES - PREFIX_BYTES, 1);
  message.set(HEAD, PREFIX_BYTES);
  let offset = PREFIX_BYTES + HEAD.length;
  for (const { data } of results) {
    message[offset++] = RAW_OUTPUT_TAG;
    message[offset++] = TENSOR_BYTES;
    message.set(data, offset);
    offset += TENSOR_BYTES;
  }
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(message);
}

const server = createServer();
server.on('stream', (stream) => {
  const chunks: Buffer[] = [];
  // The load goes away in the middle of its calls.
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => answer(stream, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`listening at 127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);
process.on('SIGTERM', () => process.exit(0));
