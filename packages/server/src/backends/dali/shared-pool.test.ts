import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedPool } from './shared-pool.ts';

const SETTINGS = { maxMemoryBytes: 2 ** 26, maxImagePixels: 2 ** 20, maxOutputBytes: 2 ** 20 };

test('threads are kept for a model that comes soon after the last, and stopped when none comes', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const pools = new SharedPool();
  const first = pools.acquire(1, SETTINGS);
  await first.pool.start(1);
  first.release();
  context.mock.timers.tick(29_000);

  const second = pools.acquire(1, SETTINGS);
  assert.equal(second.pool, first.pool);
  context.mock.timers.tick(60_000);
  // A lease counts once, however often it is given back.
  first.release();
  const third = pools.acquire(1, SETTINGS);
  second.release();
  context.mock.timers.tick(60_000);
  assert.equal(pools.acquire(1, SETTINGS).pool, third.pool);

  const other = new SharedPool();
  const last = other.acquire(1, SETTINGS);
  last.release();
  context.mock.timers.tick(30_000);
  await assert.rejects(last.pool.run({}), /the pool was closed/);
  assert.notEqual(other.acquire(1, SETTINGS).pool, last.pool);
});
