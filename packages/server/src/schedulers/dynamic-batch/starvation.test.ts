import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseModelConfigText } from '../../config/index.ts';
import { StatisticsRecorder } from '../../observability/index.ts';
import { TestInstances, TestRequest, testSignature } from '../test-support/fixtures.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { batchingPolicy, makePolicy } from './policy.ts';
import { DynamicBatchScheduler } from './scheduler.ts';

const MAX_STARVATION_MS = 1_000;

function setUp(policy: Partial<Parameters<typeof makePolicy>[0]>) {
  const clock = new ManualClock();
  const instances = new TestInstances(1);
  const scheduler = new DynamicBatchScheduler(
    makePolicy({ maxBatchSize: 1, priorityLevels: 3, maxStarvationNs: MAX_STARVATION_MS * 1e6, ...policy }),
    testSignature(),
    { instances: instances.all, clock, statistics: new StatisticsRecorder('m', 1) },
  );
  return { clock, instances, scheduler };
}

/** What is served while requests of priority 1 never stop coming. */
async function overload(
  { clock, instances, scheduler }: ReturnType<typeof setUp>,
  waiting: readonly TestRequest[],
  executions: number,
  executionMs: number,
): Promise<void> {
  for (let high = 0; high < 3; high++) scheduler.enqueue(new TestRequest({ id: 'high', priority: 1 }));
  for (const request of waiting) scheduler.enqueue(request);
  for (let execution = 0; execution < executions; execution++) {
    scheduler.enqueue(new TestRequest({ id: 'high', priority: 1 }));
    clock.advanceMs(executionMs);
    await instances.finishNext();
  }
}

test('property: under endless overload by a higher priority every request is served, and few go before their turn', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 2, max: 3 }), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 20, max: 400 }),
    async (priorities, executionMs) => {
      const parts = setUp({});
      const waiting = priorities.map((priority, index) => new TestRequest({ id: `low${index}`, priority }));
      const executions = Math.ceil(((waiting.length + 2) * (MAX_STARVATION_MS + 2 * executionMs)) / executionMs);
      await overload(parts, waiting, executions, executionMs);
      for (const request of waiting) assert.equal(request.outcome, 'ok');
      const times = parts.instances.executions.flatMap(({ ids: [id] }, index) =>
        id === 'high' ? [] : [{ level: priorities[Number(id!.slice(3))]!, ms: index * executionMs }],
      );
      for (const level of [2, 3]) {
        const served = times.filter((each) => each.level === level);
        for (const [index, { ms }] of served.entries()) {
          if (index > 0) assert.ok(ms - served[index - 1]!.ms >= MAX_STARVATION_MS - executionMs);
        }
      }
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test('requests delayed behind their timeout are not passed over for ever either', async () => {
  const defaultQueue = { rejectExpired: false, timeoutMicros: 50_000, allowOverride: false, maxSize: 0 };
  const parts = setUp({ priorityLevels: 0, defaultQueue });
  const { clock, instances, scheduler } = parts;
  scheduler.enqueue(new TestRequest({ id: 'running' }));
  const delayed = new TestRequest({ id: 'delayed' });
  scheduler.enqueue(delayed);
  clock.advanceMs(60);
  for (let execution = 0; execution < 15; execution++) {
    scheduler.enqueue(new TestRequest({ id: 'fresh' }));
    await instances.finishNext();
    clock.advanceMs(100);
  }
  assert.equal(delayed.finals, 1);
});

test('without a limit priorities are strict, as in Triton', async () => {
  const parts = setUp({ maxStarvationNs: Number.POSITIVE_INFINITY });
  const low = new TestRequest({ id: 'low', priority: 2 });
  await overload(parts, [low], 100, 1_000);
  assert.equal(low.finals, 0);
});

test('the limit is a parameter of the model', () => {
  const policy = (value: string) =>
    batchingPolicy(
      parseModelConfigText(
        `name: "m" parameters { key: "max_priority_starvation_microseconds" value { string_value: "${value}" } }`,
      ),
    ).maxStarvationNs;
  assert.equal(policy('2500'), 2_500_000);
  assert.equal(policy('0'), Number.POSITIVE_INFINITY);
  assert.throws(() => policy('soon'), {
    code: 'INVALID_ARG',
    message: "parameter 'max_priority_starvation_microseconds' of model 'm' must be a number of at least 0, got 'soon'",
  });
});
