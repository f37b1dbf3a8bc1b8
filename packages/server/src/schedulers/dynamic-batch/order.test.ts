import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StatisticsRecorder } from '../../observability/index.ts';
import { TestInstances, TestRequest, testSignature } from '../test-support/fixtures.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { makePolicy } from './policy.ts';
import { DynamicBatchScheduler } from './scheduler.ts';

// Order where it is promised, under random schedules.

type Event =
  | { readonly kind: 'request'; readonly priority: number; readonly batchSize: number; readonly length: number }
  | { readonly kind: 'finish'; readonly which: number }
  | { readonly kind: 'time'; readonly ms: number };

const events = fc.array<Event>(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('request' as const),
        priority: fc.integer({ min: 1, max: 3 }),
        batchSize: fc.integer({ min: 1, max: 4 }),
        length: fc.integer({ min: 1, max: 2 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 20 }) }) },
  ),
  { maxLength: 60 },
);

interface Outcome {
  readonly requests: readonly TestRequest[];
  /** Indices into `requests`. */
  readonly ran: readonly number[];
  readonly answered: readonly number[];
}

async function play(list: readonly Event[], policy: Partial<Parameters<typeof makePolicy>[0]>): Promise<Outcome> {
  const clock = new ManualClock();
  const instances = new TestInstances(3);
  const scheduler = new DynamicBatchScheduler(
    makePolicy({ maxBatchSize: 4, maxStarvationNs: Number.POSITIVE_INFINITY, ...policy }),
    testSignature({ maxBatchSize: 4, dims: [-1] }),
    { instances: instances.all, clock, statistics: new StatisticsRecorder('m', 1) },
  );
  const requests: TestRequest[] = [];
  const answered: number[] = [];
  for (const event of list) {
    if (event.kind === 'request') {
      const onResponse = ({ request }: TestRequest) => answered.push(Number(request.id));
      requests.push(new TestRequest({ ...event, id: String(requests.length), onResponse }));
      scheduler.enqueue(requests.at(-1)!);
    } else if (event.kind === 'finish') {
      await instances.running[event.which % Math.max(1, instances.running.length)]?.finish();
    } else {
      clock.advanceMs(event.ms);
    }
  }
  while (scheduler.inflightCount > 0) {
    clock.advanceMs(100);
    await instances.finishAll();
  }
  return { requests, ran: instances.history.flat().map(Number), answered };
}

const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);

test('property: preserve_ordering answers in the order of arrival, whichever instance is ready first', async () => {
  const property = fc.asyncProperty(events, fc.constantFrom(0, 5e6), async (list, maxDelayNs) => {
    const { requests, answered } = await play(list, { preserveOrdering: true, maxDelayNs });
    assert.deepEqual(answered, Array.from(requests.keys()));
  });
  await fc.assert(property, { numRuns: 60 });
});

test('property: requests of one priority run in the order of arrival', async () => {
  const property = fc.asyncProperty(events, async (list) => {
    const { requests, ran, answered } = await play(list, { priorityLevels: 3, defaultPriority: 3 });
    assert.deepEqual(ascending(answered), Array.from(requests.keys()), 'each once');
    for (const level of [1, 2, 3]) {
      const own = ran.filter((index) => requests[index]!.request.priority === level);
      assert.deepEqual(own, ascending(own));
    }
  });
  await fc.assert(property, { numRuns: 60 });
});
