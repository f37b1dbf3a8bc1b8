import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExecutionBatch } from '../../inference/index.ts';
import { TestRequest } from '../test-support/fixtures.ts';
import { CONTROLS, DIRECT, OLDEST, setUp } from './test-support/fixtures.ts';

// What each strategy does in its own way.

test('direct: slots keep their place, holes are filled with zeros and not ready', async () => {
  const batches: ExecutionBatch[] = [];
  const { instances, send } = setUp(`${DIRECT} ${CONTROLS}`, { startAfter: 2, onRun: (batch) => batches.push(batch) });
  send('a+', { correlationId: 1n });
  send('b+', { correlationId: 2n });
  await instances.finishAll();
  send('b', { correlationId: 2n });
  await instances.finishAll();
  send('a', { correlationId: 1n });
  await instances.finishAll();
  assert.deepEqual(
    batches.map(({ requests }) => requests.length),
    [2, 2, 1],
  );
  const [, hole] = batches;
  assert.equal(hole!.batchSize, 2);
  assert.deepEqual([...hole!.schedulerInputs!.get('READY')!.data], [0, 1]);
  assert.deepEqual([...new BigUint64Array(hole!.schedulerInputs!.get('ID')!.data.slice().buffer)], [0n, 2n]);
  assert.deepEqual(hole!.requests[0]!.inputs[0]!.data, new Uint8Array(4));
  assert.deepEqual(hole!.requests[0]!.requestedOutputs, []);
});

test('direct: requests of another shape wait for the next execution', async () => {
  const { instances, send } = setUp(DIRECT, { dims: [-1], startAfter: 2 });
  send('a+', { length: 2 });
  send('b+', { length: 3 });
  await instances.finishAll();
  assert.deepEqual(
    instances.executions.map(({ batch }) => batch.requests.filter((each) => each instanceof TestRequest).length),
    [1, 1],
  );
});

test('direct: minimum_slot_utilization waits for the delay', async () => {
  const { clock, instances, send } = setUp(
    'direct { max_queue_delay_microseconds: 5000 minimum_slot_utilization: 0.5 }',
  );
  send('a+');
  clock.advanceMs(4);
  assert.equal(instances.executions.length, 0);
  send('b+');
  assert.equal(instances.executions.length, 1, 'two of four slots are ready');
  await instances.finishAll();
  send('a');
  clock.advanceMs(5);
  assert.equal(instances.executions.length, 2);
});

test('direct: a model without batch dimension has one slot', async () => {
  const batches: ExecutionBatch[] = [];
  const { instances, send } = setUp(`${DIRECT} ${CONTROLS}`, {
    maxBatchSize: 0,
    onRun: (batch) => batches.push(batch),
  });
  send('a+', { correlationId: 1n, batchSize: 0 });
  send('b+', { correlationId: 2n, batchSize: 0 });
  await instances.finishAll();
  assert.equal(batches.length, 1);
  assert.deepEqual(batches[0]!.schedulerInputs!.get('START')!.shape, [1]);
});

test('direct: sequences spread over the instances and stay there', async () => {
  const { instances, send } = setUp(DIRECT, { instances: 2, maxBatchSize: 2 });
  send('a+');
  send('b+');
  await instances.finishAll();
  send('b');
  send('a');
  await instances.finishAll();
  const byInstance = (id: string) =>
    new Set(
      instances.executions.filter(({ ids }) => ids.some((each) => each.startsWith(id))).map(({ instance }) => instance),
    );
  assert.deepEqual([byInstance('a').size, byInstance('b').size], [1, 1]);
  assert.notDeepEqual(byInstance('a'), byInstance('b'));
});

test("direct: the schedulers of Triton's tests are held back by both environment variables", async () => {
  const { instances, send } = setUp(DIRECT, { maxBatchSize: 2, startAfter: 4, startAfterBacklog: 3 });
  for (const text of ['a+', 'a', 'a-', 'b+-', 'c+', 'c-']) send(text);
  assert.equal(instances.executions.length, 0);
  send('d+-');
  await instances.finishAll();
  const live = (ids: readonly string[]) => ids.filter((_, row, all) => all[row] !== undefined);
  assert.equal(instances.executions.length, 4);
  assert.deepEqual(live(instances.history[0]!), ['a+', 'b+-']);
});

test('oldest: requests of different sequences run together, by age', async () => {
  const { clock, instances, send } = setUp('oldest { max_candidate_sequences: 4 max_queue_delay_microseconds: 5000 }');
  send('a+');
  clock.advanceMs(1);
  send('b+');
  clock.advanceMs(3.9);
  assert.deepEqual(instances.history, []);
  clock.advanceMs(0.2);
  assert.deepEqual(instances.history, [['a+', 'b+']]);
  await instances.finishAll();
});

test('string ids reach the model as BYTES', async () => {
  const batches: ExecutionBatch[] = [];
  const control = 'control_input { name: "ID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING } }';
  const { instances, send } = setUp(`${OLDEST} ${control}`, { onRun: (batch) => batches.push(batch) });
  send('abc+');
  await instances.finishAll();
  assert.deepEqual([...batches[0]!.schedulerInputs!.get('ID')!.data], [3, 0, 0, 0, 97, 98, 99]);
});

test('stop lets sequences in flight go on and refuses new ones', async () => {
  const { clock, instances, scheduler, send } = setUp(DIRECT);
  send('open+');
  send('a+');
  const stopped = scheduler.stop();
  assert.throws(() => send('b+'), {
    code: 'UNAVAILABLE',
    message: 'Server is stopping, scheduler for model has stopped accepting new inference requests',
  });
  const last = send('a-');
  await instances.finishAll();
  await stopped;
  assert.equal(last.outcome, 'ok');
  assert.equal(clock.timerCount, 0, 'a sequence that stays open keeps nothing alive');
  assert.throws(() => send('a'), { code: 'UNAVAILABLE' });
});
