import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { WorkerPool } from './worker-pool.ts';
import { WorkerCrashedError, WorkerJobError } from './worker-slot.ts';

const pools: WorkerPool[] = [];
after(() => Promise.all(pools.map((pool) => pool.close())));

function makePool(maxWorkers = 1, script = '../test-support/pool-worker.ts'): WorkerPool {
  const pool = new WorkerPool({ script: new URL(script, import.meta.url), name: 'test', maxWorkers });
  pools.push(pool);
  return pool;
}

test('jobs see their inputs, small ones and ones larger than the shared buffer', async () => {
  const pool = makePool();
  const [ones, large] = [new Uint8Array(1000).fill(1), new Uint8Array(9 * 2 ** 20).fill(2)];
  assert.deepEqual(await pool.run({ kind: 'sum' }, { inputs: [ones, ones.subarray(0, 7)] }), [1000, 7]);
  assert.deepEqual(await pool.run({ kind: 'sum' }, { inputs: [large, ones] }), [18 * 2 ** 20, 1000]);
  assert.deepEqual(await pool.run({ kind: 'sum' }, { inputs: [ones, new Uint8Array(0)] }), [1000, 0]);
  assert.deepEqual(await pool.run({ kind: 'sum' }, { inputs: [large.subarray(0, 3 * 2 ** 20)] }), [6 * 2 ** 20]);
});

test('jobs beyond the threads wait, and all are answered', async () => {
  const pool = makePool(2);
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, i) => pool.run({ kind: 'sum' }, { inputs: [Uint8Array.of(i)] })),
  );
  assert.deepEqual(
    results,
    Array.from({ length: 50 }, (_, i) => [i]),
  );
});

test('result buffers are moved', async () => {
  const buffer = await makePool().run({ kind: 'buffer' });
  assert.ok(buffer instanceof ArrayBuffer);
  assert.equal(buffer.byteLength, 4);
});

test('a context is known to threads that run and to those that start later', async () => {
  const pool = makePool();
  const early = pool.addContext('early');
  assert.equal(await pool.run({ kind: 'context', context: early }), 'early');
  const late = pool.addContext('late');
  assert.equal(await pool.run({ kind: 'context', context: late }), 'late');
  pool.removeContext(early);
  assert.equal(await pool.run({ kind: 'context', context: early }), undefined);
  await assert.rejects(pool.run({ kind: 'crash' }), WorkerCrashedError);
  assert.equal(await pool.run({ kind: 'context', context: late }), 'late');
});

test('a job that throws fails alone', async () => {
  const pool = makePool();
  await assert.rejects(
    pool.run({ kind: 'fail' }),
    (error) => error instanceof WorkerJobError && error.name === 'RangeError' && error.message === 'no such luck',
  );
  assert.deepEqual(await pool.run({ kind: 'sum' }), []);
});

test('a thread that dies fails its own job only and is replaced', async () => {
  const pool = makePool();
  const outcomes = await Promise.allSettled([
    pool.run({ kind: 'sum' }),
    pool.run({ kind: 'crash' }),
    pool.run({ kind: 'sum' }, { inputs: [Uint8Array.of(5)] }),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.ok(outcomes[1]?.status === 'rejected' && outcomes[1].reason instanceof WorkerCrashedError);
  assert.match(outcomes[1].reason.message, /exit code 3/);
});

test('a thread that cannot start is an error, not a wait', async () => {
  await assert.rejects(makePool(1, './no-such-file.ts').start(1), WorkerCrashedError);
  await assert.rejects(makePool(1, './no-such-file.ts').run({ kind: 'sum' }), WorkerCrashedError);
});

test('closing refuses new jobs and rejects those in flight', async () => {
  const pool = makePool();
  await pool.start(1);
  const running = [pool.run({ kind: 'hang' }), pool.run({ kind: 'sum' })].map((job) =>
    assert.rejects(job, /pool was closed/),
  );
  await pool.close();
  await Promise.all(running);
  await assert.rejects(pool.run({ kind: 'sum' }), /pool was closed/);
});
