import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { releaseMemoryWhenIdle } from './idle-memory.ts';

const MEGABYTE = 2 ** 20;

test('what starting took is given back in the first idle second', async (context) => {
  let litter: unknown[] | undefined = Array.from({ length: 500_000 }, (_, index) => ({ index, text: `${index}` }));
  assert.equal(litter.length, 500_000);
  litter = undefined;
  const before = process.memoryUsage().heapTotal;
  const timer = releaseMemoryWhenIdle();
  context.after(() => clearInterval(timer));
  // Waits as long as it takes; the runner's limit ends a wait in vain.
  while (process.memoryUsage().heapTotal > before - 20 * MEGABYTE) await delay(50);
  assert.equal(Reflect.get(globalThis, 'gc'), undefined);
});

test('a busy event loop is left alone, and it happens once', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const seconds = [1, 0.3, 0.05, 0.001, 0];
  const releasedIn: number[] = [];
  let second = -1;
  releaseMemoryWhenIdle(
    () => seconds[++second] ?? 0,
    () => void releasedIn.push(second),
  );
  context.mock.timers.tick(10_000);
  assert.deepEqual(releasedIn, [3]);
});
