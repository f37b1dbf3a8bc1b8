import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ReadGarbage } from './read-garbage.ts';

const PIECE_BYTES = 65_536;
const MIB = 2 ** 20;

function copyPieces(garbage: ReadGarbage, byteLength: number): void {
  const target = Buffer.alloc(PIECE_BYTES);
  for (let taken = 0; taken < byteLength; taken += PIECE_BYTES) {
    Buffer.allocUnsafeSlow(PIECE_BYTES).copy(target);
    garbage.left(PIECE_BYTES, byteLength);
  }
}

/** V8 gives the memory back on a thread of its own: waits until what is left is little. */
async function memoryBelow(byteLength: number): Promise<void> {
  while (process.memoryUsage().arrayBuffers > byteLength) await turn();
}

test('pieces that were copied are collected, half a body at a time', async () => {
  const before = process.memoryUsage().arrayBuffers;
  copyPieces(new ReadGarbage(), 64 * MIB);
  await memoryBelow(before + 4 * MIB);
});

test('what is left of one body is collected before the next is begun', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const garbage = new ReadGarbage(8 * MIB);
  copyPieces(garbage, 24 * MIB - PIECE_BYTES);
  garbage.begin();
  await memoryBelow(before + 4 * MIB);
});

test('nobody else sees the collector', () => {
  assert.equal((globalThis as { gc?: unknown }).gc, undefined);
});
