import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { StatusCode, Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { SharedMemoryRegions, type SharedMemoryRegionsOptions } from './index.ts';

const PAGE = 4096;

function makeObject(context: TestContext, byteSize = PAGE): { readonly key: string; readonly file: string } {
  const name = `nereid-test-${randomUUID()}`;
  const file = `/dev/shm/${name}`;
  writeFileSync(
    file,
    Uint8Array.from({ length: byteSize }, (_, index) => index % 251),
  );
  context.after(() => rmSync(file, { force: true }));
  return { key: `/${name}`, file };
}

function makeRegions(context: TestContext, options: Partial<SharedMemoryRegionsOptions> = {}): SharedMemoryRegions {
  const regions = new SharedMemoryRegions({ allowed: true, ...options });
  context.after(() => regions.close());
  return regions;
}

const status = (code: StatusCode, message: string) => ({ name: 'StatusError', code, message });

test('nothing can be registered unless the server says so', (context) => {
  const { key } = makeObject(context);
  const regions = makeRegions(context, { allowed: false });
  const disabled = status(
    'UNSUPPORTED',
    "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
  );
  assert.throws(() => regions.register('r', key, 0, 64), disabled);
  assert.throws(() => regions.unregister(''), disabled);
  assert.deepEqual(regions.regions(''), []);
});

test('registering, looking and unregistering', (context) => {
  const { key } = makeObject(context, 2 * PAGE);
  const regions = makeRegions(context);
  regions.register('b', key, PAGE, 64);
  regions.register('a', key.slice(1), 0, PAGE);
  assert.deepEqual(
    regions.regions('').map(({ name, offset, byteSize }) => [name, offset, byteSize]),
    [
      ['a', 0, PAGE],
      ['b', PAGE, 64],
    ],
  );
  assert.equal(regions.regions('b')[0]?.key, key);
  assert.throws(
    () => regions.register('a', key, 0, 8),
    status('ALREADY_EXISTS', "shared memory region 'a' already in manager"),
  );
  regions.unregister('a');
  regions.unregister('never registered');
  assert.throws(() => regions.regions('a'), status('NOT_FOUND', "Unable to find system shared memory region: 'a'"));
  regions.unregister('');
  assert.deepEqual(regions.regions(''), []);
});

test('keys: paths, nothing but slashes and reserved prefixes are refused, whatever they begin with', (context) => {
  const regions = makeRegions(context);
  for (const key of ['', '/', '///']) {
    assert.throws(
      () => regions.register('r', key, 0, 8),
      status('INVALID_ARG', `cannot register shared memory region 'r' - invalid shm key '${key}'`),
    );
  }
  for (const key of ['../x', '/../../etc/passwd', 'a/b', '//..', '.', 'a\0b', `/${'k'.repeat(256)}`]) {
    assert.throws(
      () => regions.register('r', key, 0, 8),
      status('INTERNAL', `Unable to open shared memory region: '${key}'`),
    );
  }
  for (const key of [
    'triton_python_backend_shm_region_1',
    '/triton_python_backend_shm_region_',
    '////triton_python_backend_shm_region_x',
  ]) {
    assert.throws(
      () => regions.register('r', key, 0, 8),
      status(
        'INVALID_ARG',
        `cannot register shared memory region 'r' with key '${key}' as the key contains the reserved prefix 'triton_python_backend_shm_region_'`,
      ),
    );
  }
});

test('keys that the operator did not allow look like objects that do not exist', (context) => {
  const { key } = makeObject(context);
  const regions = makeRegions(context, { keyPrefixes: ['/client-', 'nereid-other-'] });
  const unknown = status('INTERNAL', `Unable to open shared memory region: '${key}'`);
  assert.throws(() => regions.register('r', key, 0, 8), unknown);
  makeRegions(context, { keyPrefixes: ['/nereid-test-'] }).register('r', `//${key}`, 0, 8);
  assert.throws(
    () => makeRegions(context).register('r', '/nosuch_region_x', 0, 64),
    status('INTERNAL', "Unable to open shared memory region: '/nosuch_region_x'"),
  );
});

test('regions outside of their object are refused, however large the numbers', (context) => {
  const { key } = makeObject(context);
  const regions = makeRegions(context);
  const outside = status('INVALID_ARG', "failed to register shared memory region 'r': invalid args");
  for (const [offset, byteSize] of [
    [0, PAGE + 1],
    [PAGE, 1],
    [0, 2n ** 64n - 1n],
    [2n ** 64n - 1n, 2],
    [2n ** 63n, 2n ** 63n],
    [PAGE, 2n ** 64n - BigInt(PAGE)],
  ] as const) {
    assert.throws(() => regions.register('r', key, offset, byteSize), outside);
  }
  const unmappable = status(
    'INVALID_ARG',
    "failed to register shared memory region 'r': unable to process address spaceInvalid argument",
  );
  assert.throws(() => regions.register('r', key, 100, 8), unmappable);
  assert.throws(() => regions.register('r', key, 0, 0), unmappable);
});

test('only so many regions', (context) => {
  const { key } = makeObject(context);
  const regions = makeRegions(context, { maxRegions: 2 });
  regions.register('1', key, 0, 8);
  regions.register('2', key, 0, 8);
  assert.throws(() => regions.register('3', key, 0, 8), {
    code: 'UNAVAILABLE',
    message: "failed to register shared memory region '3': 2 regions are registered, which is the limit",
  });
  regions.unregister('1');
  regions.register('3', key, 0, 8);
});

test('failed and finished registrations leave no descriptors behind', (context) => {
  const { key } = makeObject(context);
  const regions = makeRegions(context);
  const openDescriptors = () => readdirSync('/proc/self/fd').length;
  regions.register('r', key, 0, 8);
  regions.unregister('r');
  const before = openDescriptors();
  for (let index = 0; index < 50; index++) {
    assert.throws(() => regions.register('r', key, 0, PAGE + 1));
    assert.throws(() => regions.register('r', key, 8, 8));
    regions.register('r', key, 0, 8);
    regions.unregister('');
  }
  assert.equal(openDescriptors(), before);
});

test('references outside of their region', (context) => {
  const { key } = makeObject(context);
  const regions = makeRegions(context);
  regions.register('r', key, 0, 100);
  const lease = regions.lease();
  context.after(() => lease.release());
  const read = (offset: number, byteSize: number) => () => lease.read({ region: 'r', offset, byteSize }, 'UINT8');
  assert.deepEqual([...read(98, 2)()], [98, 99]);
  const badOffset = status('INVALID_ARG', "Invalid offset for shared memory region: 'r'");
  assert.throws(read(100, 0), badOffset);
  assert.throws(read(2 ** 64, 1), badOffset);
  const badEnd = status('INVALID_ARG', "Invalid offset + byte size for shared memory region: 'r'");
  assert.throws(read(99, 2), badEnd);
  assert.throws(read(0, 2 ** 53), badEnd);
  assert.throws(
    read(1, 2 ** 64),
    status(
      'INVALID_ARG',
      "Integer overflow detected: byte_size (18446744073709551615) + offset (1) exceeds maximum value (18446744073709551615) for region 'r'",
    ),
  );
  assert.throws(
    () => lease.reserve({ region: 'x', offset: 0, byteSize: 1 }),
    status('NOT_FOUND', "Unable to find shared memory region: 'x'"),
  );
});

test('whatever a reference says, it reads inside its region or is refused', (context) => {
  const { key } = makeObject(context, 3 * PAGE);
  const regions = makeRegions(context);
  regions.register('r', key, PAGE, PAGE);
  const lease = regions.lease();
  context.after(() => lease.release());
  const size = fc.oneof(fc.nat(2 * PAGE), fc.maxSafeNat(), fc.constantFrom(2 ** 63, 2 ** 64, PAGE - 1, PAGE));
  fc.assert(
    fc.property(size, size, (offset, byteSize) => {
      let data: Uint8Array;
      try {
        data = lease.read({ region: 'r', offset, byteSize }, 'UINT8');
      } catch (error) {
        assert.equal((error as { code: string }).code, 'INVALID_ARG');
        return offset >= PAGE || offset + byteSize > PAGE;
      }
      return data.byteLength === byteSize && (byteSize === 0 || data[0] === (PAGE + offset) % 251);
    }),
  );
});

test('a region stays for the requests that use it, and its name is free at once', (context) => {
  const [first, second] = [makeObject(context), makeObject(context)];
  const regions = makeRegions(context);
  regions.register('r', first.key, 0, 64);
  const lease = regions.lease();
  const input = lease.read({ region: 'r', offset: 0, byteSize: 64 }, 'UINT8');
  lease.reserve({ region: 'r', offset: 32, byteSize: 32 });
  regions.unregister('r');
  regions.register('r', second.key, 0, 64);
  assert.equal(input[33], 33);
  const output: Tensor = { name: 'out', dataType: 'UINT8', shape: [2], data: Uint8Array.of(7, 8) };
  lease.placeOutputs([output], () => ({ region: 'r', offset: 32, byteSize: 32 }));
  assert.deepEqual([...readFileSync(first.file).subarray(32, 34)], [7, 8]);
  assert.deepEqual([...readFileSync(second.file).subarray(32, 34)], [32, 33], 'the newer region is not touched');
  lease.release();
  lease.release();
  assert.equal(input[33], 0, 'let go, and still no fault to touch');
});

test('an object made smaller while a request is in flight refuses the request and nobody else', (context) => {
  const [shrinking, other] = [makeObject(context, 4 * PAGE), makeObject(context)];
  const regions = makeRegions(context);
  regions.register('r', shrinking.key, 0, 4 * PAGE);
  regions.register('o', other.key, 0, PAGE);
  const lease = regions.lease();
  const input = lease.read({ region: 'r', offset: 0, byteSize: 4 * PAGE }, 'UINT8');
  truncateSync(shrinking.file, 0);
  const bad = status('INVALID_ARG', "Invalid offset + byte size for shared memory region: 'r'");
  const place = { region: 'r', offset: 0, byteSize: PAGE };
  const output: Tensor = { name: 'out', dataType: 'UINT8', shape: [1], data: Uint8Array.of(7) };
  assert.throws(() => lease.placeOutputs([output], () => place), bad);
  assert.equal(input[PAGE], 0);
  assert.throws(() => lease.read(place, 'UINT8'), bad);
  assert.equal(lease.read({ region: 'o', offset: 5, byteSize: 1 }, 'UINT8')[0], 5);
  lease.release();
  assert.equal(existsSync(shrinking.file), true);
});

test('outputs: too large for their place; input memory does not leak into answers; BYTES are copied', (context) => {
  const { key, file } = makeObject(context);
  const regions = makeRegions(context);
  regions.register('r', key, 0, PAGE);
  const lease = regions.lease();
  context.after(() => lease.release());
  const data = lease.read({ region: 'r', offset: 0, byteSize: 8 }, 'UINT8');
  const output: Tensor = { name: 'out', dataType: 'UINT8', shape: [8], data };
  assert.throws(
    () => lease.placeOutputs([output], () => ({ region: 'r', offset: 0, byteSize: 4 })),
    status(
      'INTERNAL',
      "shared memory size specified with the request for output 'out' (4 bytes) should be at least 8 bytes to hold the results",
    ),
  );
  const [answered] = lease.placeOutputs([output], () => undefined);
  const text = lease.read({ region: 'r', offset: 0, byteSize: 8 }, 'BYTES');
  writeFileSync(file, new Uint8Array(PAGE).fill(9), { flag: 'r+' });
  assert.equal(data[3], 9, 'inputs are read where they are');
  assert.equal(answered?.data[3], 3);
  assert.equal(text[3], 3);
});
