import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockAllocator } from './block-allocator.ts';

test('blocks never overlap, stay inside the range, and freed space is used again', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('allocate' as const), size: fc.integer({ min: 0, max: 5000 }) }),
    fc.record({ kind: fc.constant('free' as const), index: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const allocator = new BlockAllocator(64, 20_000);
      const blocks: { address: number; size: number }[] = [];
      for (const action of steps) {
        if (action.kind === 'free') {
          const [block] = blocks.splice(action.index % Math.max(blocks.length, 1), 1);
          if (block !== undefined) allocator.free(block.address);
          continue;
        }
        const address = allocator.allocate(action.size);
        if (address === undefined) continue;
        assert.equal(address % 16, 0);
        assert.ok(address >= 64 && address + action.size <= 20_000);
        for (const other of blocks)
          assert.ok(address + action.size <= other.address || other.address + other.size <= address);
        blocks.push({ address, size: action.size });
      }
      for (const { address } of blocks) allocator.free(address);
      assert.ok(allocator.isEmpty);
      assert.notEqual(allocator.allocate(19_000), undefined, 'all free space has merged again');
    }),
  );
});

test('a block that does not fit is told by how much to grow', () => {
  const allocator = new BlockAllocator(64, 1024);
  assert.equal(allocator.allocate(5000), undefined);
  allocator.grow(1024 + allocator.shortage(5000));
  assert.notEqual(allocator.allocate(5000), undefined);
});

test('freeing what is not allocated is an error', () => {
  assert.throws(() => new BlockAllocator(64, 1024).free(64), RangeError);
});
