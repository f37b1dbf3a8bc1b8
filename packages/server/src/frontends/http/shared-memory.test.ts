import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { SharedMemoryRegions } from '../../shared-memory/index.ts';
import { addSub, FakeServer, identity, modelConfig, SIMPLE } from '../test-support/fake-server.ts';
import { startHttp } from '../test-support/frontends.ts';
import { call } from '../test-support/http-client.ts';

const PAGE = 4096;
const REGION = '/v2/systemsharedmemory/region/';

async function start(context: TestContext, allowed = true) {
  const sharedMemory = new SharedMemoryRegions({ allowed });
  context.after(() => sharedMemory.close());
  const server = new FakeServer()
    .add(SIMPLE, addSub)
    .add(modelConfig('bytes', { dataType: 'TYPE_STRING' }), identity)
    .add(modelConfig('same', { dataType: 'TYPE_UINT8' }), identity);
  const port = await startHttp(context, server, { sharedMemory });
  const post = (path: string, body: unknown) =>
    call(port, path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { server, port, post };
}

function makeObject(context: TestContext, contents: Uint8Array): { readonly key: string; readonly file: string } {
  const name = `nereid-test-${randomUUID()}`;
  const file = `/dev/shm/${name}`;
  writeFileSync(file, contents);
  context.after(() => rmSync(file, { force: true }));
  return { key: `/${name}`, file };
}

function int32(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

const shared = (region: string, offset: number, byteSize: number) => ({
  shared_memory_region: region,
  shared_memory_offset: offset,
  shared_memory_byte_size: byteSize,
});

test('register, status, unregister', async (context) => {
  const { port, post } = await start(context);
  const { key } = makeObject(context, new Uint8Array(PAGE));
  const registered = await post(`${REGION}in/register`, { key, offset: 0, byte_size: 128 });
  assert.deepEqual(
    [registered.status, registered.text, registered.headers['content-type']],
    [200, '', 'application/json'],
  );
  const status = await call(port, `${REGION}in/status`);
  assert.equal(status.text, `[{"name":"in","key":"${key}","offset":0,"byte_size":128}]`);
  assert.equal((await call(port, '/v2/systemsharedmemory/status')).text, status.text);
  const twice = await post(`${REGION}in/register`, { key, byte_size: 128 });
  assert.deepEqual([twice.status, twice.text], [400, '{"error":"shared memory region \'in\' already in manager"}']);
  assert.equal((await post(`${REGION}in/unregister`, '')).status, 200);
  assert.equal((await post(`${REGION}in/unregister`, '')).status, 200);
  const unknown = await call(port, `${REGION}in/status`);
  assert.deepEqual(
    [unknown.status, unknown.text],
    [404, '{"error":"Unable to find system shared memory region: \'in\'"}'],
  );
});

test('what a register request lacks', async (context) => {
  const { port, post } = await start(context);
  const answers = async (path: string, body: unknown) => {
    const { status, text } = await post(path, body);
    return [status, (JSON.parse(text) as { error: string }).error];
  };
  assert.deepEqual(await answers('/v2/systemsharedmemory/register', { key: '/x', byte_size: 1 }), [
    400,
    "'region name' is necessary to register system shared memory region",
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, ''), [
    500,
    'failed to parse the request JSON buffer: The document is empty. at 0',
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, {}), [
    400,
    "Shared memory register request has no 'key' field",
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, { key: '/x' }), [
    400,
    "Shared memory register request has no 'byte_size' field",
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, { key: 5, byte_size: 1 }), [
    500,
    'attempt to access JSON non-string as string',
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, { key: '/x', byte_size: -1 }), [
    500,
    'attempt to access JSON non-unsigned-integer as unsigned-integer',
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, { key: '/nosuch_region_x', byte_size: 64 }), [
    500,
    "Unable to open shared memory region: '/nosuch_region_x'",
  ]);
  assert.deepEqual(await answers(`${REGION}r/register`, '{'), [
    500,
    'failed to parse the request JSON buffer: Missing a name for object member. at 1',
  ]);
  assert.equal((await call(port, `${REGION}r/register`)).status, 405);
});

test('CUDA answers as on a machine without GPUs', async (context) => {
  const { port, post } = await start(context);
  assert.equal((await call(port, '/v2/cudasharedmemory/status')).text, '[]');
  const registered = await post('/v2/cudasharedmemory/region/c/register', { raw_handle: { b64: '' } });
  assert.deepEqual(
    [registered.status, registered.text],
    [400, '{"error":"failed to register CUDA shared memory region: \'c\', GPUs not supported"}'],
  );
  assert.equal((await post('/v2/cudasharedmemory/unregister', '')).status, 200);
  await post(`${REGION}r/register`, { key: makeObject(context, new Uint8Array(PAGE)).key, byte_size: PAGE });
  const other = await call(port, '/v2/cudasharedmemory/region/r/status');
  assert.deepEqual(
    [other.status, other.text],
    [404, '{"error":"The region named \'r\' is registered as system shared memory, not CUDA shared memory"}'],
  );
  const off = await start(context, false);
  const disabled = await off.post('/v2/cudasharedmemory/region/c/register', '');
  assert.equal(disabled.status, 501);
  assert.equal((await off.post('/v2/systemsharedmemory/unregister', '')).status, 501);
  assert.equal((await call(off.port, '/v2/systemsharedmemory/status')).text, '[]');
});

test('inference from one region into another', async (context) => {
  const { server, post } = await start(context);
  const inputs = int32(...Array.from({ length: 16 }, (_, index) => index), ...new Array<number>(16).fill(1));
  const input = makeObject(context, inputs);
  const output = makeObject(context, new Uint8Array(PAGE));
  await post(`${REGION}in/register`, { key: input.key, byte_size: 128 });
  await post(`${REGION}out/register`, { key: output.key, byte_size: PAGE });
  const tensor = (name: string, offset: number) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    parameters: shared('in', offset, 64),
  });
  const answer = await post('/v2/models/simple/infer', {
    inputs: [tensor('INPUT0', 0), tensor('INPUT1', 64)],
    outputs: [
      { name: 'OUTPUT0', parameters: shared('out', 8, 64) },
      { name: 'OUTPUT1', parameters: shared('out', 1024, 2048) },
    ],
  });
  assert.equal(
    answer.text,
    '{"model_name":"simple","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[1,16]},{"name":"OUTPUT1","datatype":"INT32","shape":[1,16]}]}',
  );
  const written = readFileSync(output.file);
  assert.equal(written.readInt32LE(8 + 4 * 15), 16);
  assert.equal(written.readInt32LE(1024 + 4 * 15), 14);
  assert.equal(written.readInt32LE(8 + 64), 0, 'nothing behind the place');
  // The region was let go by the request: it can be unregistered and the inputs were its memory.
  assert.equal((await post('/v2/systemsharedmemory/unregister', '')).status, 200);
  assert.equal(server.requests[0]?.inputs[0]?.data[4], 0);
});

test('a place too small for the output, references outside, and objects made smaller', async (context) => {
  const { post } = await start(context);
  const { key, file } = makeObject(context, new Uint8Array(2 * PAGE));
  await post(`${REGION}r/register`, { key, byte_size: 2 * PAGE });
  const infer = async (offset: number, byteSize: number, outputs: unknown[] = []) => {
    const { status, text } = await post('/v2/models/same/infer', {
      inputs: [{ name: 'INPUT0', shape: [byteSize], datatype: 'UINT8', parameters: shared('r', offset, byteSize) }],
      outputs,
    });
    return [status, (JSON.parse(text) as { error?: string }).error];
  };
  assert.deepEqual(await infer(0, 8, [{ name: 'OUTPUT0', parameters: shared('r', 100, 4) }]), [
    500,
    "shared memory size specified with the request for output 'OUTPUT0' (4 bytes) should be at least 8 bytes to hold the results",
  ]);
  assert.deepEqual(await infer(2 * PAGE, 8), [400, "Invalid offset for shared memory region: 'r'"]);
  assert.deepEqual(await infer(2 * PAGE - 4, 8), [400, "Invalid offset + byte size for shared memory region: 'r'"]);
  assert.deepEqual(await infer(0, 8), [200, undefined]);
  truncateSync(file, 10);
  assert.deepEqual(await infer(0, 8), [400, "Invalid offset + byte size for shared memory region: 'r'"]);
});

test('unregistered while a request is in flight', async (context) => {
  const { port, post, server } = await start(context);
  const { key, file } = makeObject(context, new Uint8Array(PAGE).fill(3));
  const reached = Promise.withResolvers<void>();
  const unregistered = Promise.withResolvers<void>();
  server.add(modelConfig('slow', { dataType: 'TYPE_UINT8' }), (request, respond) => {
    reached.resolve();
    void unregistered.promise.then(() => identity(request, respond));
  });
  await post(`${REGION}r/register`, { key, byte_size: PAGE });
  const pending = post('/v2/models/slow/infer', {
    inputs: [{ name: 'INPUT0', shape: [4], datatype: 'UINT8', parameters: shared('r', 0, 4) }],
    outputs: [{ name: 'OUTPUT0', parameters: shared('r', 64, 4) }],
  });
  await reached.promise;
  writeFileSync(file, Uint8Array.of(9, 8, 7, 6), { flag: 'r+' });
  assert.equal((await post('/v2/systemsharedmemory/unregister', '')).status, 200);
  assert.equal((await call(port, '/v2/systemsharedmemory/status')).text, '[]');
  unregistered.resolve();
  assert.equal((await pending).status, 200);
  assert.deepEqual([...readFileSync(file).subarray(64, 68)], [9, 8, 7, 6]);
});

test('strings in shared memory', async (context) => {
  const { post } = await start(context);
  const contents = Buffer.concat([Buffer.of(2, 0, 0, 0), Buffer.from('hi'), Buffer.of(1, 0, 0, 0), Buffer.from('x')]);
  const { key } = makeObject(context, contents);
  await post(`${REGION}r/register`, { key, byte_size: contents.length });
  const answer = await post('/v2/models/bytes/infer', {
    inputs: [{ name: 'INPUT0', shape: [2], datatype: 'BYTES', parameters: shared('r', 0, contents.length) }],
  });
  assert.deepEqual(JSON.parse(answer.text).outputs[0].data, ['hi', 'x']);
});
