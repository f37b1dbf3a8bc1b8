import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SliceRunner } from './slice-runner.ts';

/** A job of `slices` slices that notes each in `log`. */
function job(runner: SliceRunner, name: string, slices: number, log: string[], failAt = -1): Promise<unknown> {
  let done = 0;
  return new Promise((resolve) => {
    runner.run(
      () => {
        log.push(name);
        if (done === failAt) throw new Error(`${name} failed`);
        // Longer than a turn may take, so that jobs alternate.
        const until = performance.now() + 3;
        while (performance.now() < until);
        return ++done === slices;
      },
      (error) => resolve(error),
    );
  });
}

test('jobs take turns, and other work comes in between', async () => {
  const runner = new SliceRunner();
  const log: string[] = [];
  let turns = 0;
  const count = () => {
    turns++;
    handle = setImmediate(count);
  };
  let handle = setImmediate(count);
  await Promise.all([job(runner, 'a', 3, log), job(runner, 'b', 3, log)]);
  clearImmediate(handle);
  assert.deepEqual(log, ['a', 'a', 'b', 'a', 'b', 'b']);
  assert.ok(turns >= 4);
});

test('a failing job does not stop the others', async () => {
  const runner = new SliceRunner();
  const outcomes = await Promise.all([job(runner, 'a', 2, [], 1), job(runner, 'b', 2, [])]);
  assert.deepEqual(outcomes.map(String), ['Error: a failed', 'undefined']);
});
