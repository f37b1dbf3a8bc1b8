import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { Cancellation, type CorrelationId, type ExecutionBatch } from '../../inference/index.ts';
import { noticed, TestRequest } from '../test-support/fixtures.ts';
import { CONTROLS, DIRECT, OLDEST, setUp } from './test-support/fixtures.ts';

// What both strategies promise.
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
