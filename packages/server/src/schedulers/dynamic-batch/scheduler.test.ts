import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cancellation } from '../../inference/index.ts';
import { StatisticsRecorder } from '../../observability/index.ts';
import { TestInstances, TestRequest, testSignature } from '../test-support/fixtures.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { makePolicy, type QueuePolicy } from './policy.ts';
import { type DynamicBatchOptions, DynamicBatchScheduler } from './scheduler.ts';

const NO_TIMEOUT: QueuePolicy = { rejectExpired: true, timeoutMicros: 0, allowOverride: false, maxSize: 0 };

function setUp(
  policy: Partial<Parameters<typeof makePolicy>[0]>,
  options: DynamicBatchOptions & { instances?: number } = {},
) {
  const clock = new ManualClock();
  const instances = new TestInstances(options.instances ?? 1);
  const scheduler = new DynamicBatchScheduler(
    makePolicy({ maxBatchSize: 8, preferredSizes: [8], ...policy }),
    testSignature(),
    { instances: instances.all, clock, statistics: new StatisticsRecorder('m', 1) },
    options,
  );
  const send = (id: string, more: ConstructorParameters<typeof TestRequest>[0] = {}) => {
    const request = new TestRequest({ id, ...more });
    scheduler.enqueue(request);
    return request;
  };
  return { clock, instances, scheduler, send };
}

test('what arrives while the instance is busy leaves together', async () => {
  const { instances, send } = setUp({});
  for (const id of ['a', 'b', 'c', 'd']) send(id);
  await instances.finishAll();
  assert.deepEqual(instances.history, [['a'], ['b', 'c', 'd']]);
});

test('TRITONSERVER_DELAY_SCHEDULER holds the first requests back, once', async () => {
  const { instances, send } = setUp({}, { startAfter: 3 });
  send('a');
  send('b');
  assert.deepEqual(instances.history, []);
  send('c');
  assert.deepEqual(instances.history, [['a', 'b', 'c']]);
  await instances.finishAll();
  send('d');
  assert.deepEqual(instances.history.at(-1), ['d']);
});

test('TRITONSERVER_DELAY_SCHEDULER: timeouts are looked at when it lets go', () => {
  const timed = { ...NO_TIMEOUT, timeoutMicros: 5000 };
  const { clock, instances, send } = setUp({ defaultQueue: timed }, { startAfter: 2 });
  const expired = send('a');
  clock.advanceMs(6);
  assert.equal(expired.finals, 0);
  send('b');
  assert.equal(expired.outcome, 'UNAVAILABLE Request timeout expired');
  assert.deepEqual(instances.history, [['b']]);
});

test('a delayed batch is sent by the clock', () => {
  const { clock, instances, send } = setUp({ maxDelayNs: 5e6 });
  send('a');
  clock.advanceMs(3);
  send('b');
  clock.advanceMs(1.9);
  assert.deepEqual(instances.history, []);
  clock.advanceMs(0.2);
  assert.deepEqual(instances.history, [['a', 'b']]);
  assert.equal(clock.timerCount, 0);
});

test('priority 1 is served first; 0 and numbers beyond the levels are the default', async () => {
  const { instances, send } = setUp({ maxBatchSize: 1, preferredSizes: [], priorityLevels: 3, defaultPriority: 2 });
  send('busy');
  send('low', { priority: 3 });
  send('default', { priority: 0 });
  send('beyond', { priority: 9 });
  send('high', { priority: 1 });
  await instances.finishAll();
  assert.deepEqual(instances.history.flat(), ['busy', 'high', 'default', 'beyond', 'low']);
});

test('a full queue refuses with the text of Triton; each priority has its own limit', async () => {
  const { instances, send } = setUp({
    maxBatchSize: 1,
    preferredSizes: [],
    priorityLevels: 2,
    defaultPriority: 2,
    defaultQueue: { ...NO_TIMEOUT, maxSize: 2 },
    queueByPriority: new Map([[1, { ...NO_TIMEOUT, maxSize: 1 }]]),
  });
  send('busy');
  send('high', { priority: 1 });
  assert.throws(() => send('high2', { priority: 1 }), {
    code: 'UNAVAILABLE',
    message: '[request id: high2] Exceeds maximum queue size',
  });
  send('low');
  send('low2');
  assert.throws(() => send('low3'), { message: '[request id: low3] Exceeds maximum queue size' });
  await instances.finishAll();
  assert.deepEqual(instances.history.flat(), ['busy', 'high', 'low', 'low2']);
});

test('requests whose clients have gone make room in a full queue', async () => {
  const { send } = setUp({ defaultQueue: { ...NO_TIMEOUT, maxSize: 1 } });
  const cancellation = new Cancellation();
  send('busy');
  const gone = send('gone', { cancellation });
  cancellation.cancel();
  send('next');
  assert.equal(gone.outcome, 'CANCELLED ');
});

test('REJECT: an expired request is refused in time, while the instance is still busy', () => {
  const { clock, send } = setUp({ defaultQueue: { ...NO_TIMEOUT, timeoutMicros: 5000, allowOverride: true } });
  const running = send('running');
  const plain = send('plain');
  const shorter = send('shorter', { timeoutMicros: 2000 });
  const longer = send('longer', { timeoutMicros: 9000 });
  clock.advanceMs(2);
  assert.deepEqual([plain.finals, shorter.outcome, longer.finals], [0, 'UNAVAILABLE Request timeout expired', 0]);
  clock.advanceMs(3);
  assert.equal(plain.outcome, 'UNAVAILABLE Request timeout expired');
  assert.equal(longer.outcome, 'UNAVAILABLE Request timeout expired', 'an override can only shorten');
  assert.equal(running.finals, 0, 'an execution under way goes on');
});

test('a timeout that a request asks for without a default means nothing', () => {
  const { clock, send } = setUp({ defaultQueue: { ...NO_TIMEOUT, allowOverride: true } });
  send('running');
  const asked = send('asked', { timeoutMicros: 1000 });
  clock.advanceMs(60_000);
  assert.equal(asked.finals, 0);
});

test('DELAY: an expired request goes behind the fresh ones of its priority, before lower priorities, and still counts for the limit', async () => {
  const { clock, instances, send } = setUp({
    maxBatchSize: 1,
    preferredSizes: [],
    priorityLevels: 2,
    defaultPriority: 1,
    defaultQueue: { rejectExpired: false, timeoutMicros: 5000, allowOverride: false, maxSize: 2 },
  });
  send('busy');
  send('old');
  send('low', { priority: 2 });
  clock.advanceMs(6);
  send('fresh');
  assert.throws(() => send('full'), { message: '[request id: full] Exceeds maximum queue size' });
  await instances.finishAll();
  assert.deepEqual(instances.history.flat(), ['busy', 'fresh', 'old', 'low']);
});

test('DELAY: requests that expired since the last batch keep the order in which they came', async () => {
  const { clock, instances, send } = setUp({
    maxBatchSize: 1,
    preferredSizes: [],
    defaultQueue: { rejectExpired: false, timeoutMicros: 5000, allowOverride: true, maxSize: 0 },
  });
  send('busy');
  send('first');
  send('second', { timeoutMicros: 1000 });
  clock.advanceMs(6);
  send('fresh');
  assert.equal(clock.timerCount, 0, 'nothing to do before an instance is free');
  await instances.finishAll();
  assert.deepEqual(instances.history.flat(), ['busy', 'fresh', 'first', 'second']);
});

test('a request whose client has gone takes no place in a batch', async () => {
  const { instances, send } = setUp({ maxBatchSize: 2, preferredSizes: [2] });
  const cancellation = new Cancellation();
  send('busy');
  const gone = send('gone', { cancellation });
  for (const id of ['a', 'b', 'c']) send(id);
  cancellation.cancel();
  await instances.finishAll();
  assert.equal(gone.outcome, 'CANCELLED ');
  assert.deepEqual(instances.history, [['busy'], ['a', 'b'], ['c']]);
});

test('preserve_ordering holds answers back to the order of arrival', async () => {
  const { instances, send } = setUp({ preserveOrdering: true }, { instances: 2 });
  const order: string[] = [];
  const onResponse = (request: TestRequest) => order.push(request.request.id);
  const first = send('first', { onResponse });
  const second = send('second', { onResponse });
  await instances.running[1]!.finish();
  assert.equal(second.finals, 0);
  await instances.finishNext();
  assert.deepEqual(order, ['first', 'second']);
  assert.deepEqual([first.outcome, second.outcome], ['ok', 'ok']);
});

test('preserve_ordering: a refused request holds nobody up and is not held', async () => {
  const { clock, instances, send } = setUp({
    preserveOrdering: true,
    maxBatchSize: 1,
    preferredSizes: [],
    defaultQueue: { ...NO_TIMEOUT, timeoutMicros: 1000 },
  });
  const running = send('running');
  const expired = send('expired');
  clock.advanceMs(2);
  assert.equal(expired.outcome, 'UNAVAILABLE Request timeout expired');
  const last = send('last');
  await instances.finishAll();
  assert.deepEqual([running.outcome, last.outcome], ['ok', 'ok']);
});

test('preserve_ordering: a request that its policy delayed holds nobody up', async () => {
  const { clock, instances, send } = setUp({
    preserveOrdering: true,
    maxBatchSize: 1,
    preferredSizes: [],
    defaultQueue: { rejectExpired: false, timeoutMicros: 1000, allowOverride: false, maxSize: 0 },
  });
  send('busy');
  const old = send('old');
  clock.advanceMs(2);
  const fresh = send('fresh');
  await instances.finishNext();
  await instances.finishNext();
  assert.deepEqual([fresh.outcome, old.finals], ['ok', 0]);
  await instances.finishNext();
  assert.equal(old.outcome, 'ok');
});

test('a timer that is not needed any more is given up', () => {
  const { clock, send } = setUp({ maxDelayNs: 60e9, preferredSizes: [2] });
  send('a');
  assert.equal(clock.timerCount, 1);
  send('b');
  assert.equal(clock.timerCount, 0);
});
