import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { parseModelConfigText } from '../../config/index.ts';
import { Cancellation, type CorrelationId, type ExecutionBatch, type Logger } from '../../inference/index.ts';
import { StatisticsRecorder } from '../../observability/index.ts';
import { noticed, TestInstances, TestRequest, testSignature } from '../test-support/fixtures.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { sequencePolicy } from './policy.ts';
import { SequenceScheduler, type SequenceSchedulerParts } from './scheduler.ts';

interface SetUpOptions extends Pick<SequenceSchedulerParts, 'startAfter' | 'startAfterBacklog'> {
  readonly maxBatchSize?: number;
  readonly instances?: number;
  readonly inline?: boolean;
  readonly dims?: readonly number[];
  /** Called at the end of each execution; may hand states to the batch. */
  readonly onRun?: (batch: ExecutionBatch) => void;
  readonly initialStates?: ReadonlyMap<string, Tensor>;
}

function setUp(batching: string, options: SetUpOptions = {}) {
  const { maxBatchSize = 4, instances: count = 1, inline = false, dims = [1] } = options;
  const config = parseModelConfigText(
    `name: "m" max_batch_size: ${maxBatchSize} sequence_batching { max_sequence_idle_microseconds: 1000000 ${batching} }`,
  );
  assert.equal(config.schedulingChoice.case, 'sequenceBatching');
  if (config.schedulingChoice.case !== 'sequenceBatching') throw new Error('unreachable');
  const warnings: string[] = [];
  const log: Logger = { error() {}, warning: (text) => warnings.push(text), info() {}, verbose() {} };
  const clock = new ManualClock();
  const seen = new Set<ExecutionBatch>();
  const instances = new TestInstances(count, {
    inline,
    answer: (request, batch) => {
      if (!seen.has(batch)) options.onRun?.(batch);
      seen.add(batch);
      request.respond(
        { id: request.request.id, modelName: 'm', modelVersion: 1, parameters: new Map(), outputs: [] },
        true,
      );
    },
  });
  const scheduler = new SequenceScheduler({
    ...options,
    policy: sequencePolicy(config, config.schedulingChoice.value, options.initialStates ?? new Map()),
    signature: testSignature({ maxBatchSize, dims }),
    executors: { instances: instances.all, clock, statistics: new StatisticsRecorder('m', 1) },
    log,
  });
  /** `a+` starts sequence a, `a-` ends it, `a` goes on, `a+-` is a whole sequence. */
  const send = (text: string, more: ConstructorParameters<typeof TestRequest>[0] = {}) => {
    const request = new TestRequest({
      id: text,
      correlationId: text.replace(/[+-]/g, ''),
      start: text.includes('+'),
      end: text.includes('-'),
      ...more,
    });
    scheduler.enqueue(request);
    return request;
  };
  return { clock, instances, scheduler, send, warnings };
}

const DIRECT = 'direct { }';
const OLDEST = 'oldest { max_candidate_sequences: 4 }';
const CONTROLS = `
control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } }
control_input { name: "END" control { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } }
control_input { name: "READY" control { kind: CONTROL_SEQUENCE_READY bool_false_true: [ false, true ] } }
control_input { name: "ID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }`;

for (const strategy of [DIRECT, OLDEST]) {
  test(`${strategy}: refusals have the texts of Triton`, () => {
    const { send } = setUp(strategy, { inline: true });
    const start = 'must specify the START flag on the first request of the sequence';
    const id = "inference request to model 'm' must specify a non-zero or non-empty correlation ID";
    assert.throws(() => send('7'), {
      code: 'INVALID_ARG',
      message: `inference request for sequence 7 to model 'm' ${start}`,
    });
    assert.throws(() => send('x', { correlationId: 0n }), { message: id });
    assert.throws(() => send('x', { correlationId: '' }), { message: id });
    assert.throws(() => send('7+', { batchSize: 2 }), {
      message: "inference request to model 'm' must specify batch-size 1 due to requirements of sequence batcher",
    });
    send('7+');
    send('7-');
    assert.throws(() => send('7'), { message: `inference request for sequence 7 to model 'm' ${start}` });
  });

  test(`${strategy}: 3 and "3" are different sequences`, () => {
    const { send } = setUp(strategy, { inline: true });
    send('number', { correlationId: 3n, start: true });
    assert.throws(() => send('text', { correlationId: '3' }));
    send('text', { correlationId: '3', start: true });
  });

  test(`${strategy}: a START on a sequence that is not over is logged and goes on`, () => {
    const { send, warnings } = setUp(strategy, { inline: true });
    send('5+');
    send('5+');
    assert.deepEqual(warnings, [
      "sequence 5 for model 'm' has a conflict. The previous sequence did not end before this sequence start. Previous sequence will be terminated early.",
    ]);
  });

  test(`${strategy}: two requests of one sequence never share an execution`, async () => {
    const { instances, send } = setUp(strategy);
    send('a+');
    send('a');
    send('b+');
    send('a-');
    await instances.finishAll();
    for (const ids of instances.history) assert.equal(ids.filter((id) => id.startsWith('a')).length <= 1, true);
    assert.deepEqual(
      instances.history.flat().filter((id) => id.startsWith('a')),
      ['a+', 'a', 'a-'],
    );
  });

  test(`${strategy}: a sequence that is quiet too long loses its slot`, () => {
    const { clock, instances, send } = setUp(strategy, { inline: true });
    send('a+');
    clock.advanceMs(600);
    send('a');
    clock.advanceMs(600);
    send('a');
    clock.advanceMs(1001);
    assert.throws(() => send('a'), /must specify the START flag/);
    assert.equal(clock.timerCount, 0);
    assert.equal(instances.executions.length, 3);
  });

  test(`${strategy}: sequences beyond the slots wait in order for an END or an idle sequence`, async () => {
    const { clock, instances, send } = setUp(`${strategy.replace('4', '1')}`, { maxBatchSize: 1, inline: true });
    send('a+');
    const b = send('b+-');
    const c = send('c+');
    send('c');
    assert.equal(b.finals, 0);
    assert.throws(() => send('b'), /must specify the START flag/, 'b ended in the backlog');
    send('a-');
    assert.deepEqual(instances.history.flat(), ['a+', 'a-', 'b+-', 'c+', 'c']);
    assert.equal(c.outcome, 'ok');
    const d = send('d+-');
    assert.equal(d.finals, 0);
    clock.advanceMs(1001);
    assert.equal(d.outcome, 'ok', 'c was idle');
  });

  test(`${strategy}: a timeout in the backlog refuses the whole sequence, one with a slot has none`, async () => {
    const { clock, instances, send } = setUp(`${strategy.replace('4', '1')}`, { maxBatchSize: 1 });
    send('a+', { timeoutMicros: 1000 });
    const waits = [send('b+', { timeoutMicros: 300_000 }), send('b')];
    clock.advanceMs(299);
    assert.deepEqual(
      waits.map(({ finals }) => finals),
      [0, 0],
    );
    clock.advanceMs(2);
    const text = 'UNAVAILABLE timeout of the corresponding sequence has been expired';
    assert.deepEqual(
      waits.map(({ outcome }) => outcome),
      [text, text],
    );
    assert.throws(() => send('b'), /must specify the START flag/);
    await instances.finishAll();
  });

  test(`${strategy}: a client that goes away ends its sequence`, async () => {
    const { instances, send } = setUp(`${strategy.replace('4', '1')}`, { maxBatchSize: 1 });
    const cancellation = new Cancellation();
    send('a+');
    const gone = [send('a', { cancellation }), send('a')];
    const next = send('b+-');
    cancellation.cancel();
    await instances.finishAll();
    assert.deepEqual(
      gone.map(({ outcome }) => outcome),
      ['CANCELLED ', 'CANCELLED '],
    );
    assert.equal(next.outcome, 'ok');
    assert.throws(() => send('a'), /must specify the START flag/);
  });

  test(`${strategy}: state goes from request to request and begins anew with START`, async () => {
    const seen: number[][] = [];
    const state =
      'state { input_name: "S" output_name: "S_OUT" data_type: TYPE_INT32 dims: [ 1 ] initial_state { name: "i" data_type: TYPE_INT32 dims: [ 1 ] zero_data: true } }';
    const initial: Tensor = {
      name: 'S',
      dataType: 'INT32',
      shape: [1],
      data: new Uint8Array(Int32Array.of(100).buffer),
    };
    const { instances, send } = setUp(`${strategy} ${state}`, {
      initialStates: new Map([['S', initial]]),
      onRun: (batch) => {
        const given = batch.schedulerInputs!.get('S')!;
        const values = [...new Int32Array(given.data.slice().buffer)];
        assert.deepEqual(given.shape, [batch.requests.length, 1]);
        seen.push(values);
        const data = new Uint8Array(Int32Array.from(values, (value) => value + 1).buffer);
        batch.onSchedulerOutputs?.([{ name: 'S_OUT', dataType: 'INT32', shape: given.shape, data }]);
      },
    });
    send('a+');
    await instances.finishAll();
    send('a');
    send('b+');
    await instances.finishAll();
    send('a');
    await instances.finishAll();
    send('a+');
    await instances.finishAll();
    const last = (id: string) =>
      instances.executions.flatMap(({ ids }, index) =>
        ids.flatMap((each, row) => (each.startsWith(id) ? [seen[index]![row]] : [])),
      );
    assert.deepEqual(last('a'), [100, 101, 102, 100]);
    assert.deepEqual(last('b'), [100]);
  });

  test(`${strategy}: controls say where each row stands`, async () => {
    const batches: ExecutionBatch[] = [];
    const { instances, send } = setUp(`${strategy} ${CONTROLS}`, { onRun: (batch) => batches.push(batch) });
    send('x+-', { correlationId: 7n });
    await instances.finishAll();
    const [batch] = batches;
    const bytes = (name: string) => [...batch!.schedulerInputs!.get(name)!.data];
    assert.deepEqual(bytes('START'), [1, 0, 0, 0]);
    assert.deepEqual(bytes('END'), [0, 0, 128, 63]);
    assert.deepEqual(bytes('READY'), [1]);
    assert.deepEqual(bytes('ID'), [7, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(batch!.schedulerInputs!.get('ID')!.shape, [1, 1]);
  });

  test(`${strategy}: property: every request is answered once, in the order of its sequence, never two of a sequence at a time`, async () => {
    const event = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('request' as const),
          sequence: fc.integer({ min: 1, max: 6 }),
          end: fc.boolean(),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(40) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 1500 }) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 50 }),
        fc.integer({ min: 1, max: 2 }),
        async (events, instanceCount) => {
          const { clock, instances, scheduler } = setUp(strategy.replace('4', '2'), {
            instances: instanceCount,
            maxBatchSize: 2,
          });
          const sent: { request: TestRequest; cancellation: Cancellation; sequence: CorrelationId }[] = [];
          const open = new Set<number>();
          const generations = new Map<number, number>();
          for (const each of events) {
            if (each.kind === 'request') {
              const cancellation = new Cancellation();
              const start = !open.has(each.sequence);
              const generation = (generations.get(each.sequence) ?? 0) + (start ? 1 : 0);
              generations.set(each.sequence, generation);
              const sequence = BigInt(each.sequence * 1000 + generation);
              const request = new TestRequest({
                id: String(sent.length),
                correlationId: sequence,
                start,
                end: each.end,
                cancellation,
              });
              try {
                scheduler.enqueue(request);
                sent.push({ request, cancellation, sequence });
                if (each.end) open.delete(each.sequence);
                else open.add(each.sequence);
              } catch {
                // The sequence ended by itself: idle or cancelled.
                open.delete(each.sequence);
              }
            } else if (each.kind === 'finish') {
              if (instances.running.length > 0) await instances.finishNext();
            } else if (each.kind === 'cancel') {
              sent[each.index]?.cancellation.cancel();
            } else {
              clock.advanceMs(each.ms);
            }
          }
          // Slots of sequences that never end come free by idleness.
          for (let round = 0; round < sent.length + 2; round++) {
            await instances.finishAll();
            clock.advanceMs(1001);
          }
          await noticed();
          for (const { request } of sent) assert.ok(['ok', 'CANCELLED '].includes(request.outcome), request.outcome);
          const order = instances.history
            .flat()
            .filter((id) => id !== '')
            .map(Number);
          for (const sequence of new Set(sent.map((each) => each.sequence))) {
            const own = order.filter(
              (index, position) => sent[index]?.sequence === sequence && order.indexOf(index) === position,
            );
            assert.deepEqual(
              own,
              own.toSorted((a, b) => a - b),
            );
          }
          for (const { batch } of instances.executions) {
            const ids = batch.requests
              .filter((request) => request instanceof TestRequest)
              .map(({ request }) => request.correlationId);
            assert.equal(new Set(ids).size, ids.length);
            assert.ok(batch.requests.length <= 2);
          }
          assert.equal(scheduler.inflightCount, 0);
        },
      ),
      { numRuns: 60 },
    );
  });
}

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

test('iterative_sequence: every request is a sequence of its own', () => {
  const { instances, send } = setUp(`${OLDEST} iterative_sequence: true`, { inline: true });
  assert.equal(send('x', { correlationId: 0n }).outcome, 'ok');
  assert.equal(send('y', { correlationId: 0n }).outcome, 'ok');
  assert.equal(instances.executions.length, 2);
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
  const { instances, scheduler, send } = setUp(DIRECT);
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
  assert.throws(() => send('a'), { code: 'UNAVAILABLE' });
});
