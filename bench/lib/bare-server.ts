/**
 * The limit of the tiny-HTTP benchmark: a \`node:http\` handler that parses, calls the same session and answers, with no checks, no routing,
 * no statistics. JSON by JSON.parse and JSON.stringify; binary by slices of the body. `node bare-server.ts MODEL` prints its port.
 */
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OnnxRuntime } from '@nereid/engine';

const SHAPE = [1, 16];
const TENSOR_BYTES = 64;

interface JsonInput {
  readonly name: string;
  readonly data: readonly number[];
}

const runtime = new OnnxRuntime();
const session = await runtime.load(readFileSync(process.argv[2] ?? ''));

function run(input0: Uint8Array, input1: Uint8Array): readonly Uint8Array[] {
  const results = session.runSync([
    { input: 0, dataType: 'INT32', shape: SHAPE, data: input0 },
    { input: 1, dataType: 'INT32', shape: SHAPE, data: input1 },
  ]);
  return results.map(({ data }) => data);
}

function answerJson(body: Buffer, response: ServerResponse): void {
  const { inputs } = JSON.parse(body.toString()) as { inputs: JsonInput[] };
  const [input0, input1] = inputs.map(({ data }) => new Uint8Array(Int32Array.from(data).buffer));
  const outputs = run(input0!, input1!).map((data, index) => ({
    name: `OUTPUT${index}`,
    datatype: 'INT32',
    shape: SHAPE,
    data: Array.from(new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)),
  }));
  const text = JSON.stringify({ model_name: 'simple', model_version: '1', outputs });
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

function answerBinary(body: Buffer, headerLength: number, response: ServerResponse): void {
  JSON.parse(body.toString('latin1', 0, headerLength));
  const outputs = run(
    body.subarray(headerLength, headerLength + TENSOR_BYTES),
    body.subarray(headerLength + TENSOR_BYTES),
  );
  const header = JSON.stringify({
    model_name: 'simple',
    model_version: '1',
    outputs: outputs.map((data, index) => ({
      name: `OUTPUT${index}`,
      datatype: 'INT32',
      shape: SHAPE,
      parameters: { binary_data_size: data.byteLength },
    })),
  });
  const answer = Buffer.concat([Buffer.from(header), ...outputs]);
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': answer.length,
    'Inference-Header-Content-Length': header.length,
  });
  response.end(answer);
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const headerLength = request.headers['inference-header-content-length'];
    if (headerLength === undefined) answerJson(body, response);
    else answerBinary(body, Number(headerLength), response);
  });
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`listening at 127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);
process.on('SIGTERM', () => process.exit(0));
