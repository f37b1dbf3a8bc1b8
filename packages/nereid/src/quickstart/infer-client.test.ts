import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { binaryBody, classify, jsonBody } from './infer-client.ts';

const IMAGE = new Uint8Array([255, 216, 0, 7]);
const SCORES = [0.25, 0.5, 0.125];

/** A server that answers like Triton: three scores, and statistics that grow by one request of known times. */
async function standIn(context: TestContext): Promise<string> {
  let count = 0;
  const statistics = (name: string, totalMs: number) => ({
    name,
    inference_stats: Object.fromEntries(
      Object.entries({ success: totalMs, queue: 1, compute_input: 2, compute_infer: 3, compute_output: 4 }).map(
        ([key, ms]) => [key, { count, ns: ms * 1e6 * count }],
      ),
    ),
  });
  const server = createServer(async (request, response) => {
    if (request.url === '/v2/models/stats') {
      const models = [
        statistics('dali', 20),
        statistics('inception_graphdef', 30),
        statistics('ensemble_dali_inception', 55),
      ];
      response.end(JSON.stringify({ model_stats: models }));
      return;
    }
    const body = await bodyOf(request);
    count += 1;
    if (request.headers['inference-header-content-length'] === undefined) {
      const { inputs } = JSON.parse(body.toString()) as { inputs: [{ data: [number[]] }] };
      assert.deepEqual(inputs[0].data, [Array.from(IMAGE)]);
      response.end(JSON.stringify({ outputs: [{ name: 'OUTPUT', data: SCORES }] }));
    } else {
      assert.deepEqual(body.subarray(Number(request.headers['inference-header-content-length'])), Buffer.from(IMAGE));
      const header = Buffer.from(
        JSON.stringify({ outputs: [{ name: 'OUTPUT', parameters: { binary_data_size: 12 } }] }),
      );
      response.setHeader('inference-header-content-length', header.length);
      response.end(Buffer.concat([header, new Uint8Array(new Float32Array(SCORES).buffer)]));
    }
  });
  context.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

for (const [form, body] of [
  ['JSON', jsonBody(IMAGE)],
  ['binary', binaryBody(IMAGE)],
] as const) {
  test(`reads scores and times of a request in ${form}`, async (context) => {
    const result = await classify(await standIn(context), body);
    assert.deepEqual(result.scores, SCORES);
    assert.deepEqual(result.steps, [
      { model: 'dali', queueMs: 1, computeMs: 9, totalMs: 20 },
      { model: 'inception_graphdef', queueMs: 1, computeMs: 9, totalMs: 30 },
    ]);
    assert.equal(result.ensemble.totalMs, 55);
    assert.equal(result.requestBytes, body.body.length);
  });
}

test('an error answer is passed on', async (context) => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/v2/models/stats' ? 200 : 400;
    response.end(request.url === '/v2/models/stats' ? '{"model_stats":[]}' : '{"error":"no such model"}');
  });
  context.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await assert.rejects(classify(url, jsonBody(IMAGE)), {
    message: 'the server answered 400: {"error":"no such model"}',
  });
});
