import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyMemory } from './body-memory.ts';

const MIB = 1024 * 1024;

test('a body gets the memory of an earlier one when it fits and is not much too large', () => {
  const memory = new BodyMemory();
  const buffer = Buffer.alloc(3 * MIB);
  assert.equal(memory.take(MIB), undefined);
  memory.give(buffer);
  assert.equal(memory.take(4 * MIB), undefined);
  assert.equal(memory.take(MIB / 2), undefined);
  assert.equal(memory.take(2 * MIB), buffer);
  assert.equal(memory.take(2 * MIB), undefined);
});

test('only so much is kept, and nothing small', () => {
  const memory = new BodyMemory();
  const buffers: Buffer[] = Array.from({ length: 6 }, () => Buffer.alloc(8 * MIB));
  for (const buffer of buffers) memory.give(buffer);
  memory.give(Buffer.alloc(1024));
  memory.give(Buffer.alloc(64 * MIB));
  const kept = buffers.map(() => memory.take(8 * MIB));
  assert.deepEqual(
    kept.map((buffer) => (buffer === undefined ? -1 : buffers.indexOf(buffer))),
    [5, 4, 3, 2, -1, -1],
  );
  assert.equal(memory.take(1024), undefined);
});
