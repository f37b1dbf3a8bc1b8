import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { StatusError } from '@nereid/protocol';
import { addSub, type Behaviour, FakeServer, identity, modelConfig, SIMPLE } from '../test-support/fake-server.ts';
import { startHttp } from '../test-support/frontends.ts';
import { call, open, received } from '../test-support/http-client.ts';
import type { HttpFrontendOptions } from './server.ts';

const VALUES = Array.from({ length: 16 }, (_, index) => index);
const ONES = VALUES.map(() => 1);
const REQUEST = JSON.stringify({
  inputs: [
    { name: 'INPUT0', shape: [1, 16], datatype: 'INT32', data: VALUES },
    { name: 'INPUT1', shape: [1, 16], datatype: 'INT32', data: ONES },
  ],
});
const RESPONSE =
  '{"model_name":"simple","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[1,16],"data":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]},{"name":"OUTPUT1","datatype":"INT32","shape":[1,16],"data":[-1,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]}]}';

async function start(context: TestContext, behaviour: Behaviour = addSub, options: Partial<HttpFrontendOptions> = {}) {
  const server = new FakeServer()
    .add(SIMPLE, behaviour)
    .add(modelConfig('floats'))
    .add(modelConfig('bytes', { dataType: 'TYPE_STRING' }))
    .add(modelConfig('halves', { dataType: 'TYPE_FP16' }))
    .add(modelConfig('batched', { maxBatchSize: 4 }), identity, ['a', 'b', 'c'])
    .add(modelConfig('repeat', { more: 'model_transaction_policy { decoupled: true }' }), (_, respond) => {
      respond({ outputs: [] }, false);
      respond({ outputs: [] });
    });
  return { server, port: await startHttp(context, server, options) };
}

test('JSON in, JSON out', async (context) => {
  const { server, port } = await start(context);
  const answer = await call(port, '/v2/models/simple/infer', { body: REQUEST });
  assert.deepEqual([answer.status, answer.text], [200, RESPONSE]);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['content-length'], String(RESPONSE.length));
  const [request] = server.requests;
  assert.deepEqual([request?.modelVersion, request?.requestedOutputs, request?.id], [-1, [], '']);
  assert.ok((request?.receivedNs ?? 0) > 0);
  const withId = await call(port, '/v2/models/simple/versions/1/infer', { body: `{"id":"é1",${REQUEST.slice(1)}` });
  assert.match(withId.text, /^\{"id":"é1","model_name":"simple"/);
  assert.equal(server.requests[1]?.modelVersion, 1);
});

test('binary tensors in and out', async (context) => {
  const { port } = await start(context);
  const json = JSON.stringify({
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({
      name,
      shape: [1, 16],
      datatype: 'INT32',
      parameters: { binary_data_size: 64 },
    })),
    outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }, { name: 'OUTPUT1' }],
  });
  const body = Buffer.concat([
    Buffer.from(json),
    Buffer.from(Int32Array.from(VALUES).buffer),
    Buffer.from(Int32Array.from(ONES).buffer),
  ]);
  const answer = await call(port, '/v2/models/simple/infer', {
    body,
    headers: { 'Inference-Header-Content-Length': String(json.length) },
  });
  assert.equal(answer.headers['content-type'], 'application/octet-stream');
  const headerLength = Number(answer.headers['inference-header-content-length']);
  const head = JSON.parse(answer.body.toString('utf8', 0, headerLength));
  assert.deepEqual(head.outputs[0].parameters, { binary_data_size: 64 });
  assert.deepEqual(
    head.outputs[1].data,
    VALUES.map((value) => value - 1),
  );
  assert.deepEqual(
    [
      ...new Int32Array(
        answer.body.buffer.slice(answer.body.byteOffset + headerLength, answer.body.byteOffset + answer.body.length),
      ),
    ],
    VALUES.map((value) => value + 1),
  );
});

test('listed outputs are JSON even when binary is asked for in general', async (context) => {
  const { port } = await start(context);
  const ask = async (more: object) => {
    const body = JSON.stringify({ ...JSON.parse(REQUEST), parameters: { binary_data_output: true }, ...more });
    return (await call(port, '/v2/models/simple/infer', { body })).headers['content-type'];
  };
  assert.equal(await ask({}), 'application/octet-stream');
  assert.equal(await ask({ outputs: [{ name: 'OUTPUT0' }] }), 'application/json');
});

test('a body without JSON is the only input', async (context) => {
  const { server, port } = await start(context);
  const raw = (model: string, body: Uint8Array) =>
    call(port, `/v2/models/${model}/infer`, { body, headers: { 'Inference-Header-Content-Length': '0' } });
  const answer = await raw('batched', new Uint8Array(Float32Array.of(1, 2, 3).buffer));
  assert.equal(answer.headers['content-type'], 'application/octet-stream');
  assert.deepEqual(server.requests[0]?.inputs[0]?.shape, [1, 3]);
  assert.equal(server.requests[0]?.rawInputName, 'raw_input');
  const empty = await call(port, '/v2/models/floats/infer', { body: '' });
  assert.equal(
    empty.text,
    '{"model_name":"floats","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[0],"parameters":{"binary_data_size":0}}]}',
  );
  const two = await raw('simple', new Uint8Array(4));
  assert.match(
    two.text,
    /Raw request must only have 1 input \(found 1\) to be deduced but got 2 inputs in 'simple' model configuration/,
  );
});

test('bodies are unpacked and answers packed', async (context) => {
  const { port } = await start(context);
  const send = (body: Uint8Array, coding: string) =>
    call(port, '/v2/models/simple/infer', { body, headers: { 'Content-Encoding': coding } });
  assert.equal((await send(gzipSync(REQUEST), 'gzip')).text, RESPONSE);
  assert.equal((await send(deflateSync(REQUEST), 'deflate')).text, RESPONSE);
  const large = JSON.stringify({
    inputs: [
      { name: 'INPUT0', shape: [20_000], datatype: 'FP32', data: Array.from({ length: 20_000 }, (_, index) => index) },
    ],
  });
  const packed = await call(port, '/v2/models/floats/infer', {
    body: gzipSync(large),
    headers: { 'Content-Encoding': 'gzip', 'Accept-Encoding': 'deflate;q=0.5, gzip' },
  });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.deepEqual(JSON.parse(gunzipSync(packed.body).toString()).outputs[0].data.length, 20_000);
  const deflated = await call(port, '/v2/models/simple/infer', {
    body: REQUEST,
    headers: { 'Accept-Encoding': 'deflate' },
  });
  assert.equal(inflateSync(deflated.body).toString(), RESPONSE);
  const refused = await send(Buffer.from(REQUEST), 'br');
  assert.deepEqual(
    [refused.status, refused.headers['accept-encoding'], refused.text],
    [501, 'gzip, deflate', '{"error":"Unsupported compression type"}'],
  );
  const error = await call(port, '/v2/models/simple/infer', { body: '{', headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(error.headers['content-encoding'], undefined);
});

test('classes are returned instead of a tensor', async (context) => {
  const { port } = await start(context);
  const body = JSON.stringify({
    inputs: [{ name: 'INPUT0', shape: [1, 3], datatype: 'FP32', data: [0.25, 3, 1] }],
    outputs: [{ name: 'OUTPUT0', parameters: { classification: 2 } }],
  });
  const answer = await call(port, '/v2/models/batched/infer', { body });
  assert.match(answer.text, /"datatype":"BYTES","shape":\[1,2\],"data":\["3.000000:1:b","1.000000:2:c"\]/);
});

test('failures keep their status and are JSON, before and after the request was queued', async (context) => {
  const { port } = await start(context, (_, respond) =>
    respond({ error: new StatusError('UNAVAILABLE', 'queue is "full"') }),
  );
  const late = await call(port, '/v2/models/simple/infer', { body: REQUEST });
  assert.deepEqual(
    [late.status, late.text, late.headers['content-type']],
    [503, '{"error":"queue is \\"full\\""}', 'application/json'],
  );
  assert.equal((await call(port, '/v2/models/nosuch/infer', { body: '{' })).status, 404);
  const decoupled = await call(port, '/v2/models/repeat/infer', { body: '{}' });
  assert.deepEqual(
    [decoupled.status, decoupled.text],
    [501, '{"error":"HTTP end point doesn\'t support models with decoupled transaction policy"}'],
  );
  const json = (dataType: string) =>
    JSON.stringify({
      inputs: [{ name: 'INPUT0', shape: [1], datatype: dataType, parameters: { binary_data_size: 2 } }],
    });
  const halves = await call(port, '/v2/models/halves/infer', {
    body: `${json('FP16')}\0\0`,
    headers: { 'Inference-Header-Content-Length': String(json('FP16').length) },
  });
  assert.equal(
    halves.text,
    '{"error":"sending FP16 data via JSON is not supported. Please use the binary data format for output"}',
  );
  const unknownType = await call(port, '/v2/models/halves/infer', {
    body: `${json('FOO')}\0\0`,
    headers: { 'Inference-Header-Content-Length': String(json('FOO').length) },
  });
  assert.match(
    unknownType.text,
    /inference input 'INPUT0' data-type is '<invalid>', but model 'halves' expects 'FP16'/,
  );
});

test('headers become parameters where the pattern says so', async (context) => {
  const { server, port } = await start(context, addSub, { headerForwardPattern: '(x-.*|PRIORITY)' });
  await call(port, '/v2/models/simple/infer', { body: REQUEST, headers: { 'X-Trace': 'abc', Other: 'y' } });
  assert.deepEqual([...(server.requests[0]?.parameters ?? [])], [['X-Trace', 'abc']]);
  const reserved = await call(port, '/v2/models/simple/infer', { body: REQUEST, headers: { priority: '1' } });
  assert.deepEqual(
    [reserved.status, reserved.text],
    [400, '{"error":"Header \'priority\' is reserved for Triton usage and cannot be forwarded."}'],
  );
});

test('a client that goes away cancels its request', async (context) => {
  const { promise: running, resolve } = Promise.withResolvers<void>();
  const { server, port } = await start(context, () => resolve());
  const socket = await open(port);
  socket.write(
    `POST /v2/models/simple/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${REQUEST.length}\r\n\r\n${REQUEST}`,
  );
  await running;
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  server.requests[0]!.cancellation.onCancel(cancel);
  assert.equal(server.requests[0]!.cancellation.cancelled, false);
  socket.destroy();
  await cancelled;
});

test('pipelined requests are answered in their order', async (context) => {
  const { port } = await start(context);
  const socket = await open(port);
  const all = received(socket);
  const one = `POST /v2/models/simple/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${REQUEST.length}\r\n\r\n${REQUEST}`;
  socket.write(one.repeat(500) + one.replace('Host: x', 'Host: x\r\nConnection: close'));
  assert.equal((await all).split('HTTP/1.1 200 OK').length - 1, 501);
});

test('large tensors go both ways while small requests are answered', async (context) => {
  const { port } = await start(context);
  const count = 300_000;
  const numbers = Float32Array.from({ length: count }, (_, index) => index / 7);
  const body = `{"inputs":[{"name":"INPUT0","shape":[${count}],"datatype":"FP32","data":[${numbers.join(', ')}]}]}`;
  const large = call(port, '/v2/models/floats/infer', { body });
  const small = await Promise.all(
    Array.from({ length: 20 }, () => call(port, '/v2/models/simple/infer', { body: REQUEST })),
  );
  assert.ok(small.every(({ text }) => text === RESPONSE));
  const { outputs } = JSON.parse((await large).text);
  assert.deepEqual(Float32Array.from(outputs[0].data), numbers);
});

test('a large request that waits keeps its tensors while others come and go', async (context) => {
  const { server, port } = await start(context);
  let waiting = Promise.withResolvers<() => void>();
  server.add(modelConfig('slow'), (request, respond) => waiting.resolve(() => identity(request, respond)));
  const numbers = (first: number) => Float32Array.from({ length: 100_000 }, (_, index) => first + index);
  const json = (tensor: object, data: string) =>
    `{"inputs":[{"name":"INPUT0","shape":[100000],"datatype":"FP32",${JSON.stringify(tensor).slice(1, -1)}${data}}]}`;
  const text = (first: number) => json({}, `"data":[${numbers(first).join(',')}]`);
  const head = json({ parameters: { binary_data_size: 400_000 } }, '');
  const binary = Buffer.concat([Buffer.from(head), new Uint8Array(numbers(500_000).buffer)]);
  const length = { 'Inference-Header-Content-Length': String(head.length) };
  const values = (answer: string) => Float32Array.from(JSON.parse(answer).outputs[0].data);

  for (const [headers, body, expected] of [
    [length, binary, numbers(500_000)],
    [{}, text(1), numbers(1)],
  ] as const) {
    const slow = call(port, '/v2/models/slow/infer', { headers, body });
    const answerSlow = await waiting.promise;
    for (const first of [7, 8, 9])
      assert.deepEqual(
        values((await call(port, '/v2/models/floats/infer', { body: text(first) })).text),
        numbers(first),
      );
    answerSlow();
    assert.deepEqual(values((await slow).text), expected);
    waiting = Promise.withResolvers<() => void>();
  }
});

test('generate takes flat JSON and answers flat JSON, sorted', async (context) => {
  const { server, port } = await start(context);
  const answer = await call(port, '/v2/models/floats/generate', {
    body: '{"id":"g","INPUT0":1.5,"foo":2,"parameters":{"bar":true}}',
  });
  assert.deepEqual(
    [answer.status, answer.text],
    [200, '{"OUTPUT0":1.5,"id":"g","model_name":"floats","model_version":"1"}'],
  );
  assert.equal(answer.headers['transfer-encoding'], 'chunked');
  assert.deepEqual(
    [...(server.requests[0]?.parameters ?? [])],
    [
      ['id', 'g'],
      ['foo', 2n],
      ['bar', true],
    ],
  );
  const list = await call(port, '/v2/models/floats/generate', { body: '{"INPUT0":[1,2]}' });
  assert.match(list.text, /"OUTPUT0":\[1.0,2.0\]/);
  const text = await call(port, '/v2/models/bytes/generate', { body: '{"INPUT0":"hé"}' });
  assert.match(text.text, /"OUTPUT0":"hé"/);
  const wrong = await call(port, '/v2/models/floats/generate', { body: '{"INPUT0":1,"parameters":{"x":{}}}' });
  assert.equal(
    wrong.text,
    "{\"error\":\"Converting keyword: 'parameters': parameter 'x' has invalid type. It should be either 'int', 'bool', or 'string'.\"}",
  );
  assert.equal(
    (await call(port, '/v2/models/floats/generate', { body: '[]' })).text,
    '{"error":"attempt to get members for non-object"}',
  );
  const members = Array.from({ length: 20_000 }, (_, index) => `"p${index}":1`).join();
  assert.equal(
    (await call(port, '/v2/models/floats/generate', { body: `{${members}}` })).text,
    '{"error":"request has 20000 parameters, the limit is 10000"}',
  );
  const several = await call(port, '/v2/models/repeat/generate', { body: '{"INPUT0":1}' });
  assert.equal(several.status, 200);
  assert.match(several.text, /^\{"error":"generate expects model to produce exactly 1 response/);
});

test('generate_stream sends an event for each response', async (context) => {
  const { port } = await start(context);
  const answer = await call(port, '/v2/models/repeat/generate_stream', { body: '{"INPUT0":1}' });
  assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(answer.text, 'data: {"model_name":"repeat","model_version":"1"}\n\n'.repeat(2));
});
