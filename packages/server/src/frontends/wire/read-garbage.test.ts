import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadGarbage } from './read-garbage.ts';

const PIECE_BYTES = 65_536;
const MIB = 2 ** 20;

test('pieces that were copied do not lie around', () => {
  const garbage = new ReadGarbage();
  const target = Buffer.alloc(PIECE_BYTES);
  let mostBytes = 0;
  for (let taken = 0; taken < 512 * MIB; taken += PIECE_BYTES) {
    Buffer.allocUnsafeSlow(PIECE_BYTES).copy(target);
    garbage.left(PIECE_BYTES, 8 * MIB);
    if (taken % MIB === 0) mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers);
  }
  assert.ok(mostBytes < 40 * MIB, `${mostBytes / MIB} MiB`);
  assert.equal((globalThis as { gc?: unknown }).gc, undefined);
});
