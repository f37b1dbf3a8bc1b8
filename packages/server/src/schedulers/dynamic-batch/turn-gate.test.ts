import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatisticsRecorder } from '../../observability/index.ts';
import { TestInstances, TestRequest, testSignature } from '../test-support/fixtures.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { makePolicy } from './policy.ts';
import { DynamicBatchScheduler } from './scheduler.ts';

/** A batcher over an inline instance, with turns of the event loop that the test ends. */
function setUp() {
  const instances = new TestInstances(1, { inline: true });
  const turnEnds: (() => void)[] = [];
  const executors = { instances: instances.all, clock: new ManualClock(), statistics: new StatisticsRecorder('m', 1) };
  const policy = makePolicy({ maxBatchSize: 8, preferredSizes: [8] });
  const scheduler = new DynamicBatchScheduler(policy, testSignature(), executors, {
    defer: (callback) => turnEnds.push(callback),
  });
  /** `count` requests in one turn; the sizes of the executions they made. */
  const turn = (count: number): number[] => {
    const before = instances.executions.length;
    const requests = Array.from({ length: count }, () => new TestRequest());
    for (const request of requests) scheduler.enqueue(request);
    for (const end of turnEnds.splice(0)) end();
    assert.ok(requests.every(({ outcome }) => outcome === 'ok'));
    return instances.executions.slice(before).map(({ batch }) => batch.batchSize);
  };
  return { scheduler, turn, turnEnds };
}

test('one request per turn runs as it comes, and goes on doing so', () => {
  const { scheduler, turn } = setUp();
  for (let round = 0; round < 50; round++) assert.deepEqual(turn(1), [1]);
  const request = new TestRequest();
  scheduler.enqueue(request);
  assert.equal(request.outcome, 'ok', 'before the turn is over');
});

test('under load the requests of a turn run together, a full batch at once', () => {
  const { turn } = setUp();
  for (let round = 0; round < 10; round++) turn(5);
  assert.deepEqual(turn(5), [5]);
  assert.deepEqual(turn(19), [8, 8, 3]);
});

test('when the load goes, so does the waiting', () => {
  const { turn, scheduler } = setUp();
  for (let round = 0; round < 20; round++) turn(6);
  for (let round = 0; round < 60; round++) turn(1);
  const request = new TestRequest();
  scheduler.enqueue(request);
  assert.equal(request.outcome, 'ok');
});
