import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { addSub, FakeServer, modelConfig, SIMPLE } from '../test-support/fake-server.ts';
import { startHttp } from '../test-support/frontends.ts';
import { call, exchange, open, received } from '../test-support/http-client.ts';
import type { HttpLimits } from '../wire/limits.ts';

async function start(context: TestContext, limits: Partial<HttpLimits> = {}) {
  const server = new FakeServer()
    .add(SIMPLE, addSub)
    .add(modelConfig('floats'))
    .add(modelConfig('bytes', { dataType: 'TYPE_STRING' }));
  const port = await startHttp(context, server, { limits });
  const infer = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
    call(port, '/v2/models/floats/infer', { body, headers });
  /** Other clients are served whatever happened before. */
  const stillServes = async () => {
    const ok = await infer('{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}]}');
    assert.equal(ok.status, 200);
  };
  return { port, infer, stillServes };
}

const input = (shape: string, rest: string) =>
  `{"inputs":[{"name":"INPUT0","shape":[${shape}],"datatype":"FP32",${rest}}]}`;

test('shapes that overflow are refused (1)', async (context) => {
  const { infer, stillServes } = await start(context);
  for (const shape of [
    '2147483648',
    '9007199254740992',
    '9223372036854775808',
    '-1',
    '-0.0',
    '1e308',
    'NaN',
    '"1"',
    '65536,65536,65536,65536',
    '18446744073709551615',
  ]) {
    const { status, text } = await infer(input(shape, '"data":[1]'));
    assert.ok(status === 400 || status === 500, shape);
    assert.match(text, /^\{"error":"/, shape);
  }
  assert.equal((await infer(input('5,0,7', '"data":[]'))).status, 200);
  await stillServes();
});

test('data that does not fill its shape, or more than fills it, is refused (2)', async (context) => {
  const { infer, stillServes } = await start(context);
  assert.match((await infer(input('3', '"data":[1,2]'))).text, /shape does not match true shape/);
  assert.match((await infer(input('1', '"data":[1,2]'))).text, /Shape does not match true shape of 'data' field/);
  await stillServes();
});

test('binary sizes that lie are refused (3)', async (context) => {
  const { infer, stillServes } = await start(context);
  const send = (json: string, binary: string) =>
    infer(json + binary, { 'Inference-Header-Content-Length': String(json.length) });
  const size = (text: string) => input('1', `"parameters":{"binary_data_size":${text}}`);
  assert.equal((await send(size('-4'), 'abcd')).status, 500);
  assert.match((await send(size('400'), 'abcd')).text, /expecting 396 additional bytes/);
  assert.match((await send(size('18446744073709551615'), 'abcd')).text, /unexpected size for input/);
  assert.match((await send(size('2'), 'abcd')).text, /unexpected additional input data/);
  assert.match(
    (await send(input('1', '"data":[1],"parameters":{"binary_data_size":4}'), 'abcd')).text,
    /must set only one/,
  );
  await stillServes();
});

test('header lengths that lie are refused (4)', async (context) => {
  const { infer, stillServes } = await start(context);
  const body = input('1', '"data":[1]');
  const send = async (length: string) => {
    const { status, text } = await infer(body, { 'Inference-Header-Content-Length': length });
    return `${status} ${JSON.parse(text).error}`;
  };
  assert.equal(await send('-1'), `400 inference header size should be in range (0, ${body.length}), got: -1`);
  assert.equal(await send('99999'), `400 inference header size should be in range (0, ${body.length}), got: 99999`);
  assert.match(
    await send('18446744073709551616'),
    /^400 Unable to parse Inference-Header-Content-Length, value is out of range/,
  );
  assert.equal(await send('abc'), '400 Unable to parse Inference-Header-Content-Length, got: abc');
  const hex = await infer(body, { 'Inference-Header-Content-Length': '0x10' });
  assert.equal(hex.headers['content-type'], 'application/octet-stream', 'read as 0, so raw');
  assert.match(await send('10, 10'), /^500 failed to parse the request JSON buffer/);
  await stillServes();
});

test('JSON that is deep, long or strange is read or refused (5)', async (context) => {
  const { infer, stillServes } = await start(context);
  const depth = 100_000;
  assert.match(
    (await infer(input('1', `"data":${'['.repeat(depth)}1${']'.repeat(depth)}`))).text,
    /nesting depth exceeds/,
  );
  assert.equal(
    (await infer(`{"x":${'['.repeat(depth)}${']'.repeat(depth)},${input('1', '"data":[1]').slice(1)}`)).status,
    200,
    'what nobody reads may be deep',
  );
  const keys = Array.from({ length: 600_000 }, (_, index) => `"k${index}":1`).join();
  assert.match((await infer(`{${keys}}`)).text, /more than 100000 values/);
  const proto = await infer(`{"__proto__":{"inputs":[]},"constructor":1,${input('1', '"data":[1]').slice(1)}`);
  assert.equal(proto.status, 200);
  assert.match((await infer('{"id":"\\ud800"}')).text, /surrogate pair in string is invalid/);
  assert.equal((await infer(input('1', '"data":[1e999]'))).status, 500);
  const text = await call((await start(context)).port, '/v2/models/bytes/infer', {
    body: `{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"BYTES","data":["${'x'.repeat(20_000_000)}"]}],"outputs":[{"name":"OUTPUT0","parameters":{"binary_data":true}}]}`,
  });
  assert.equal(text.status, 200);
  assert.ok(text.body.length > 20_000_000);
  await stillServes();
});

test('bodies beyond their limits are refused without being read (5)', async (context) => {
  const { port, infer, stillServes } = await start(context, { maxInputBytes: 1024, maxBodyBytes: 4096 });
  assert.match(
    (await infer(`${input('1', '"data":[1]')}${' '.repeat(2000)}`)).text,
    /request JSON size of 20\d\d bytes exceeds/,
  );
  const raw = await infer(new Uint8Array(2000), { 'Inference-Header-Content-Length': '0' });
  assert.match(
    raw.text,
    /Raw input has a byte_size \(2000 bytes\) that exceeds the maximum allowed value of 1024 bytes/,
  );
  const json = input('1', '"parameters":{"binary_data_size":4}');
  const huge = await infer(json + 'x'.repeat(5000), { 'Inference-Header-Content-Length': String(json.length) });
  assert.match(huge.text, /exceeds the maximum allowed size of 4096 bytes/);
  const announced = await exchange(
    port,
    'POST /v2/models/floats/infer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n',
  );
  assert.match(announced, /^HTTP\/1.1 400 Bad Request/);
  await stillServes();
});

test('bodies in flight share a bounded memory (5)', async (context) => {
  const { port, infer, stillServes } = await start(context, { maxBufferedBytes: 100_000 });
  const header = (length: number) =>
    `POST /v2/models/floats/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
  const holder = await open(port);
  holder.write(header(90_000) + ' '.repeat(40_000));
  holder.write(' '.repeat(10_000));
  await stillServes();
  const big = input('20000', `"data":[${new Array(20_000).fill('1.25').join()}]`);
  const refused = await infer(big);
  assert.equal(refused.status, 503);
  const gone = received(holder);
  holder.destroy();
  await gone;
  await stillServes();
});

test('string elements that lie about their length do no harm (6)', async (context) => {
  const { port, stillServes } = await start(context);
  const json = '{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":8}}]}';
  const body = Buffer.concat([Buffer.from(json), Buffer.from([255, 255, 255, 255, 1, 2, 3, 4])]);
  const answer = await call(port, '/v2/models/bytes/infer', {
    body,
    headers: { 'Inference-Header-Content-Length': String(json.length) },
  });
  assert.deepEqual(
    [answer.status, answer.text],
    [500, '{"error":"output tensor shape does not match size of output for \'OUTPUT0\'"}'],
  );
  await stillServes();
});

test('a hundred thousand inputs, outputs or duplicates are handled (7)', async (context) => {
  const { infer, stillServes } = await start(context);
  const many = (item: (index: number) => string, length = 100_000) =>
    Array.from({ length }, (_, index) => item(index)).join();
  const inputs = await infer(
    `{"inputs":[${many((index) => `{"name":"I${index}","shape":[0],"datatype":"FP32","data":[]}`)}]}`,
  );
  assert.match(inputs.text, /more than 100000 values/);
  const outputs = await infer(
    `{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}],"outputs":[${many((index) => `{"name":"O${index}"}`, 20_000)}]}`,
  );
  assert.equal(outputs.status, 200, 'the core decides on unknown names');
  const twice = await infer(
    `{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}],"outputs":[{"name":"OUTPUT0"},{"name":"OUTPUT0","parameters":{"binary_data":true}}]}`,
  );
  assert.match(twice.text, /output 'OUTPUT0' already exists in request/);
  const classes = await infer(
    `{"inputs":[{"name":"INPUT0","shape":[2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"OUTPUT0","parameters":{"classification":2147483648}}]}`,
  );
  assert.match(classes.text, /"shape":\[2\],"data":\["2.000000:1","1.000000:0"\]/);
  await stillServes();
});

test('a body in countless tiny chunks is refused (8)', async (context) => {
  const { port, stillServes } = await start(context, { maxChunks: 1000 });
  const answerTo = (count: number): Promise<string> =>
    exchange(
      port,
      `POST /v2/models/floats/infer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(count)}0\r\n\r\n`,
    );
  assert.match(await answerTo(1000), /The document is empty/);
  for (const count of [1001, 5000]) {
    const answer = await answerTo(count);
    assert.match(answer, /^HTTP\/1.1 400 Bad Request/);
    assert.match(
      answer,
      /Chunked request body exceeds maximum of 1000 non-empty chunks. Send fewer or larger HTTP chunks./,
    );
  }
  await stillServes();
});

test('slow headers and slow bodies are ended (8)', async (context) => {
  const { port, stillServes } = await start(context, { headersTimeoutMs: 50, requestTimeoutMs: 100 });
  const slowHeader = await exchange(port, 'POST /v2/models/floats/infer HTTP/1.1\r\nHost: x\r\n');
  assert.match(slowHeader, /^HTTP\/1.1 408 Request Timeout/);
  const slowBody = await exchange(
    port,
    'POST /v2/models/floats/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{',
  );
  assert.match(slowBody, /^HTTP\/1.1 408 Request Timeout/);
  await stillServes();
});

test('requests that could be read in two ways are refused (8)', async (context) => {
  const { port, stillServes } = await start(context);
  const head = 'POST /v2/models/floats/infer HTTP/1.1\r\nHost: x\r\n';
  for (const headers of [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n',
    'Content-Length: -5\r\n',
    'Content-Length: 0x5\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
  ]) {
    assert.match(await exchange(port, `${head}${headers}\r\n0\r\n\r\n`), /^HTTP\/1.1 400 Bad Request/, headers);
  }
  const long = await exchange(port, `${head}X: ${'x'.repeat(70_000)}\r\n\r\n`);
  assert.match(long, /^HTTP\/1.1 431 |^$/);
  await stillServes();
});

test('ten thousand pipelined requests are answered (8)', async (context) => {
  const { port } = await start(context);
  const socket = await open(port);
  const all = received(socket);
  socket.write('GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(10_000));
  socket.write('GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.equal((await all).split('HTTP/1.1 200 OK').length - 1, 10_001);
});

test('packed bombs, nested codings and lists of codings are refused (9)', async (context) => {
  const { infer, stillServes } = await start(context, { maxInputBytes: 1024 * 1024 });
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const exploded = await infer(bomb, { 'Content-Encoding': 'gzip' });
  assert.deepEqual(
    [exploded.status, exploded.text],
    [
      400,
      '{"error":"Decompressed data size exceeds the maximum allowed value of 1048576 bytes. Use --http-max-input-size to increase the limit."}',
    ],
  );
  const body = input('1', '"data":[1]');
  const nested = await infer(gzipSync(gzipSync(body)), { 'Content-Encoding': 'gzip' });
  assert.match(nested.text, /failed to parse the request JSON buffer/);
  assert.equal((await infer(gzipSync(body), { 'Content-Encoding': 'gzip, gzip' })).status, 501);
  assert.equal((await infer('', { 'Content-Encoding': 'gzip' })).text, '{"error":"nothing to be decompressed"}');
  await stillServes();
});

test('names are looked up as they are sent, never decoded or resolved (11)', async (context) => {
  const { port, stillServes } = await start(context);
  const names = ['..', '.', '%2e%2e', '%252e%252e', '..%5c', '%00', 'SIMPLE', 'x'.repeat(5000), '%E2%80%AE', '..\\..'];
  for (const name of names) {
    const { status, text } = await call(port, `/v2/models/${name}`);
    assert.equal(status, 404, name);
    assert.equal(JSON.parse(text).error, `Request for unknown model: '${name}' is not found`);
  }
  assert.equal((await call(port, '/v2/models/simple/../../../etc/passwd')).text, '{"error":"Not Found"}');
  await stillServes();
});
