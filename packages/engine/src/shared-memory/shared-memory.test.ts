import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { SharedMemoryError, SharedMemoryOpener, type SharedMemorySegment } from './index.ts';

const PAGE = 4096;

/** A shared memory object of this machine; it ends with the test. */
function makeObject(context: TestContext, bytes: Uint8Array): { readonly key: string; readonly file: string } {
  const name = `nereid-test-${randomUUID()}`;
  const file = `/dev/shm/${name}`;
  writeFileSync(file, bytes);
  context.after(() => rmSync(file, { force: true }));
  return { key: `/${name}`, file };
}

function counting(byteSize: number): Uint8Array {
  return Uint8Array.from({ length: byteSize }, (_, index) => index % 251);
}

function fault(name: SharedMemoryError['fault']): (error: unknown) => boolean {
  return (error) => error instanceof SharedMemoryError && error.fault === name;
}

for (const access of ['mapped', 'copied'] as const) {
  const open = (context: TestContext, key: string, offset: number, byteSize: number): SharedMemorySegment => {
    const segment = new SharedMemoryOpener(access).open(key, offset, byteSize);
    context.after(() => segment.close());
    return segment;
  };

  test(`${access}: contents go in and out, from the segment's start`, (context) => {
    const { key, file } = makeObject(context, counting(3 * PAGE));
    const segment = open(context, key, PAGE, PAGE + 100);
    assert.deepEqual(segment.read(10, 20), counting(3 * PAGE).subarray(PAGE + 10, PAGE + 30));
    assert.equal(segment.read(0, 0).byteLength, 0);
    segment.write(PAGE + 90, Uint8Array.of(1, 2, 3));
    assert.deepEqual([...readFileSync(file).subarray(2 * PAGE + 90, 2 * PAGE + 93)], [1, 2, 3]);
  });

  test(`${access}: objects that do not exist, are none, or end too early are refused`, (context) => {
    const { key } = makeObject(context, counting(100));
    const opener = new SharedMemoryOpener(access);
    assert.throws(() => opener.open('/nereid-test-nothing', 0, 1), fault('open'));
    assert.throws(() => opener.open(key, 0, 101), fault('size'));
    assert.throws(() => opener.open(key, PAGE, 1), fault('size'));
    const directory = `nereid-test-${randomUUID()}`;
    mkdirSync(`/dev/shm/${directory}`);
    context.after(() => rmdirSync(`/dev/shm/${directory}`));
    assert.throws(() => opener.open(directory, 0, 0), SharedMemoryError);
  });

  test(`${access}: an object that is made smaller is refused from then on, and nothing crashes`, (context) => {
    const { key, file } = makeObject(context, counting(4 * PAGE));
    const segment = open(context, key, 0, 4 * PAGE);
    const before = segment.read(0, 4 * PAGE);
    truncateSync(file, PAGE);
    assert.throws(() => segment.read(0, 1), fault('size'));
    assert.throws(() => segment.write(2 * PAGE, Uint8Array.of(1)), fault('size'));
    // What was handed out before can still be touched, page by page.
    assert.equal(before[3 * PAGE] ?? -1, access === 'mapped' ? 0 : counting(4 * PAGE)[3 * PAGE]);
    assert.equal(readFileSync(file).byteLength, PAGE, 'writing did not make it larger again');
  });

  test(`${access}: an object that is unlinked is used until it is let go`, (context) => {
    const { key, file } = makeObject(context, counting(PAGE));
    const segment = open(context, key, 0, PAGE);
    rmSync(file);
    assert.equal(segment.read(7, 1)[0], 7);
    segment.close();
    segment.close();
    assert.throws(() => segment.read(0, 1), fault('size'));
  });
}

test('mapped contents are the memory itself; copied ones are not', (context) => {
  const { key, file } = makeObject(context, counting(PAGE));
  const mapped = new SharedMemoryOpener('mapped').open(key, 0, PAGE);
  const copied = new SharedMemoryOpener('copied').open(key, 0, PAGE);
  context.after(() => [mapped, copied].map((segment) => segment.close()));
  const [live, still] = [mapped.read(0, 4), copied.read(0, 4)];
  writeFileSync(file, counting(PAGE).fill(9), { flag: 'r+' });
  assert.deepEqual([...live], [9, 9, 9, 9]);
  assert.deepEqual([...still], [0, 1, 2, 3]);
  assert.equal(mapped.holds(live), true);
  assert.equal(mapped.holds(still), false);
  assert.equal(copied.holds(still), false);
});

test('memory that was handed out can be read and written after the segment was let go', (context) => {
  const { key, file } = makeObject(context, counting(PAGE));
  const segment = new SharedMemoryOpener('mapped').open(key, 0, PAGE);
  const held = segment.read(0, PAGE);
  segment.close();
  held.fill(5);
  assert.equal(held[100], 5);
  assert.deepEqual(new Uint8Array(readFileSync(file)), counting(PAGE), 'the object itself was let go');
});

test('a mapping cannot begin inside a page or be empty', (context) => {
  const { key } = makeObject(context, counting(2 * PAGE));
  const opener = new SharedMemoryOpener('mapped');
  assert.throws(() => opener.open(key, 100, 8), { fault: 'map', message: 'Invalid argument' });
  assert.throws(() => opener.open(key, 0, 0), { fault: 'map', message: 'Invalid argument' });
});
