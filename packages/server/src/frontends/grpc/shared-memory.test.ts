import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import { SharedMemoryRegions } from '../../shared-memory/index.ts';
import { addSub, FakeServer, identity, modelConfig, SIMPLE } from '../test-support/fake-server.ts';
import { GrpcClient } from './test-support/grpc-client.ts';
import { int64, string } from './test-support/messages.ts';
import { startGrpc } from './test-support/start-grpc.ts';

const methods = GRPCInferenceService.method;
const PAGE = 4096;

async function start(context: TestContext) {
  const sharedMemory = new SharedMemoryRegions({ allowed: true });
  context.after(() => sharedMemory.close());
  const server = new FakeServer().add(SIMPLE, addSub).add(modelConfig('same', { dataType: 'TYPE_UINT8' }), identity);
  const { port } = await startGrpc(context, server, { sharedMemory });
  return { client: new GrpcClient(context, port), sharedMemory };
}

function makeObject(context: TestContext, contents: Uint8Array): { readonly key: string; readonly file: string } {
  const name = `nereid-test-${randomUUID()}`;
  const file = `/dev/shm/${name}`;
  writeFileSync(file, contents);
  context.after(() => rmSync(file, { force: true }));
  return { key: `/${name}`, file };
}

const shared = (region: string, offset: bigint, byteSize: bigint) => ({
  shared_memory_region: string(region),
  shared_memory_offset: int64(offset),
  shared_memory_byte_size: int64(byteSize),
});

test('register, status, unregister', async (context) => {
  const { client } = await start(context);
  const { key } = makeObject(context, new Uint8Array(PAGE));
  await client.unary(methods.systemSharedMemoryRegister, { name: 'r', key, byteSize: 64n });
  const { regions } = await client.unary(methods.systemSharedMemoryStatus, {});
  assert.deepEqual(Object.keys(regions), ['r']);
  assert.deepEqual([regions['r']?.key, regions['r']?.offset, regions['r']?.byteSize], [key, 0n, 64n]);
  assert.equal(
    await client.failure(methods.systemSharedMemoryRegister, { name: 'r', key, byteSize: 64n }),
    "ALREADY_EXISTS shared memory region 'r' already in manager",
  );
  assert.equal(
    await client.failure(methods.systemSharedMemoryRegister, { name: 'x', key, offset: 2n ** 64n - 1n, byteSize: 2n }),
    "INVALID_ARGUMENT failed to register shared memory region 'x': invalid args",
  );
  assert.equal(
    await client.failure(methods.systemSharedMemoryRegister, {}),
    "INVALID_ARGUMENT cannot register shared memory region '' - invalid shm key ''",
  );
  assert.equal(
    await client.failure(methods.cudaSharedMemoryStatus, { name: 'r' }),
    "NOT_FOUND The region named 'r' is registered as system shared memory, not CUDA shared memory",
  );
  await client.unary(methods.systemSharedMemoryUnregister, { name: 'r' });
  await client.unary(methods.systemSharedMemoryUnregister, {});
  await client.unary(methods.cudaSharedMemoryUnregister, {});
  assert.equal(
    await client.failure(methods.systemSharedMemoryStatus, { name: 'r' }),
    "NOT_FOUND Unable to find system shared memory region: 'r'",
  );
});

test('inference through regions, one call and streamed; regions are let go behind it', async (context) => {
  const { client, sharedMemory } = await start(context);
  const values = new Uint8Array(Int32Array.from({ length: 32 }, (_, index) => index).buffer);
  const input = makeObject(context, values);
  const output = makeObject(context, new Uint8Array(PAGE));
  const request = {
    modelName: 'simple',
    inputs: ['INPUT0', 'INPUT1'].map((name, index) => ({
      name,
      datatype: 'INT32',
      shape: [1n, 16n],
      parameters: shared('in', BigInt(64 * index), 64n),
    })),
    outputs: [
      { name: 'OUTPUT0', parameters: shared('out', 128n, 64n) },
      { name: 'OUTPUT1', parameters: shared('out', 256n, 64n) },
    ],
  };
  const register = () => {
    sharedMemory.register('in', input.key, 0, 128);
    sharedMemory.register('out', output.key, 0, PAGE);
  };
  register();
  const response = await client.unary(methods.modelInfer, request);
  assert.deepEqual(
    response.rawOutputContents.map(({ byteLength }) => byteLength),
    [0, 0],
  );
  assert.equal(readFileSync(output.file).readInt32LE(128 + 4 * 3), 3 + 19);
  writeFileSync(output.file, new Uint8Array(PAGE));
  const stream = client.stream(methods.modelStreamInfer);
  stream.send(request);
  assert.equal(await stream.end(), 'OK');
  assert.equal(stream.received.messages[0]?.errorMessage, '');
  assert.equal(readFileSync(output.file).readInt32LE(256 + 4 * 3), 3 - 19);
  sharedMemory.unregister('');
  assert.equal(
    await client.failure(methods.modelInfer, request),
    "NOT_FOUND Unable to find shared memory region: 'in'",
  );
});

test('what lies outside of a region is refused, and an output that does not fit', async (context) => {
  const { client, sharedMemory } = await start(context);
  const { key } = makeObject(context, new Uint8Array(PAGE));
  sharedMemory.register('r', key, 0, PAGE);
  const infer = (offset: bigint, byteSize: bigint, place?: ReturnType<typeof shared>) =>
    client.failure(methods.modelInfer, {
      modelName: 'same',
      inputs: [{ name: 'INPUT0', datatype: 'UINT8', shape: [8n], parameters: shared('r', offset, byteSize) }],
      outputs: place === undefined ? [] : [{ name: 'OUTPUT0', parameters: place }],
    });
  assert.equal(await infer(-1n, 8n), "INVALID_ARGUMENT Invalid offset for shared memory region: 'r'");
  assert.equal(
    await infer(8n, BigInt(PAGE)),
    "INVALID_ARGUMENT Invalid offset + byte size for shared memory region: 'r'",
  );
  assert.match(await infer(8n, -1n), /^INVALID_ARGUMENT Integer overflow detected: byte_size \(18446744073709551615\)/);
  assert.equal(
    await infer(0n, 8n, shared('r', 64n, 4n)),
    "INTERNAL shared memory size specified with the request for output 'OUTPUT0' (4 bytes) should be at least 8 bytes to hold the results",
  );
});
