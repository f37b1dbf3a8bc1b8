import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cancellation, type ScheduledRequest } from '../../inference/index.ts';
import { answerOk } from '../test-support/fixtures.ts';
import { CONTROLS, DIRECT, OLDEST, setUp } from './test-support/fixtures.ts';

/** Lets a request run as often as its id says: `3x…` three times. */
function countDown() {
  const left = new Map<ScheduledRequest, number>();
  return (request: ScheduledRequest): void => {
    const rest = (left.get(request) ?? Number.parseInt(request.request.id, 10)) - 1;
    left.set(request, rest);
    if (rest > 0) request.reschedule!();
    else answerOk(request);
  };
}

const NO_ID = { correlationId: 0n };

for (const strategy of [DIRECT, OLDEST]) {
  const iterative = `${strategy} iterative_sequence: true`;

  test(`${strategy}: a request runs as often as its backend asks, beside others`, async () => {
    const { instances, send } = setUp(iterative, { answer: countDown() });
    const [three, one] = [send('3', NO_ID), send('1', NO_ID)];
    await instances.finishAll();
    assert.deepEqual([three.outcome, one.outcome], ['ok', 'ok']);
    assert.equal(instances.history.flat().filter((id) => id === '3').length, 3);
    assert.equal(instances.history.flat().filter((id) => id === '1').length, 1);
  });

  test(`${strategy}: START is said once, END never, and the id stays`, async () => {
    const said: number[][] = [];
    const { instances, send } = setUp(`${iterative} ${CONTROLS}`, {
      answer: countDown(),
      onRun: ({ schedulerInputs }) => {
        said.push(['START', 'END', 'ID'].map((name) => schedulerInputs!.get(name)!.data[0]!));
      },
    });
    send('3', NO_ID);
    await instances.finishAll();
    assert.deepEqual(said, [
      [1, 0, 1],
      [0, 0, 1],
      [0, 0, 1],
    ]);
  });

  test(`${strategy}: a slot is free when the last iteration is done`, async () => {
    const { instances, scheduler, send } = setUp(iterative, { answer: countDown() });
    const requests = Array.from({ length: 10 }, () => send('2', NO_ID));
    await instances.finishAll();
    for (const request of requests) assert.equal(request.outcome, 'ok');
    assert.equal(scheduler.inflightCount, 0);
    await scheduler.stop();
  });

  test(`${strategy}: a sequence that ends for idleness while it runs cannot go on`, async () => {
    let refusal = '';
    const { clock, instances, send } = setUp(iterative, {
      answer: (request) => {
        clock.advanceMs(2_000);
        try {
          request.reschedule!();
        } catch (error) {
          refusal = (error as Error).message;
          answerOk(request);
        }
      },
    });
    send('x', NO_ID);
    await instances.finishAll();
    assert.match(refusal, /sequence 1 to model 'm' must specify the START flag on the first request of the sequence/);
  });

  test(`${strategy}: a client that goes away ends its iterations`, async () => {
    const cancellation = new Cancellation();
    const { instances, scheduler, send } = setUp(iterative, { answer: countDown() });
    const request = send('1000', { ...NO_ID, cancellation });
    await instances.finishNext();
    await instances.finishNext();
    cancellation.cancel();
    await instances.finishAll();
    assert.equal(request.outcome, 'CANCELLED ');
    assert.equal(instances.executions.length, 3);
    assert.equal(scheduler.inflightCount, 0);
  });

  test(`${strategy}: a client may name its sequence, which is over with its request`, async () => {
    const { instances, send } = setUp(iterative, { answer: countDown() });
    const first = send('2+', { correlationId: 7n });
    await instances.finishAll();
    assert.equal(first.outcome, 'ok');
    assert.throws(() => send('1', { correlationId: 7n }), /must specify the START flag/);
  });

  test(`${strategy}: property: every request runs exactly as often as it asks`, async () => {
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 2 }),
      async (counts, instanceCount) => {
        const { instances, scheduler, send } = setUp(iterative, { answer: countDown(), instances: instanceCount });
        const requests = counts.map((count, index) => send(`${count}x${index}`, NO_ID));
        await instances.finishAll();
        for (const [index, request] of requests.entries()) {
          assert.equal(request.outcome, 'ok');
          const runs = instances.history.flat().filter((id) => id === `${counts[index]}x${index}`).length;
          assert.equal(runs, counts[index]);
        }
        assert.equal(scheduler.inflightCount, 0);
      },
    );
    await fc.assert(property, { numRuns: 50 });
  });
}
