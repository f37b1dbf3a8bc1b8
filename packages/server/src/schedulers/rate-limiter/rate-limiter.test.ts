import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StatisticsRecorder } from '../../observability/index.ts';
import { DirectScheduler } from '../direct/scheduler.ts';
import { noticed, TestInstances, TestRequest } from '../test-support/fixtures.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { type InstanceLimits, RateLimiter } from './limiter.ts';
import { type RateLimitResource, ResourcePool } from './resource-pool.ts';

function limits(
  device: Readonly<Record<string, number>>,
  priority = 0,
  global: Readonly<Record<string, number>> = {},
): InstanceLimits {
  return { needs: { device: new Map(Object.entries(device)), global: new Map(Object.entries(global)) }, priority };
}

const resource = (name: string, count: number, device?: number): RateLimitResource => ({ name, count, device });

/** A model with `count` instances under the limiter. */
function model(limiter: RateLimiter, own: InstanceLimits, options: { count?: number; inline?: boolean } = {}) {
  const instances = new TestInstances(options.count ?? 1, { inline: options.inline ?? false });
  const turns = limiter.register(instances.all.map(() => own));
  const scheduler = new DirectScheduler({
    instances: instances.all,
    clock: new ManualClock(),
    statistics: new StatisticsRecorder('m', 1),
    turns: new Map(instances.all.map((instance, index) => [instance, turns[index]!])),
  });
  const send = (id: string) => {
    const request = new TestRequest({ id });
    scheduler.enqueue(request);
    return request;
  };
  return { instances, scheduler, turns, send };
}

test('instances that name one resource exclude each other', async () => {
  const limiter = new RateLimiter([]);
  const two = model(limiter, limits({ R1: 1 }), { count: 2 });
  for (const id of ['a', 'b', 'c']) two.send(id);
  assert.equal(two.instances.running.length, 1);
  await two.instances.finishAll();
  assert.deepEqual(two.instances.history.flat(), ['a', 'b', 'c']);
});

test('--rate-limit-resource says how many may run at a time', () => {
  const limiter = new RateLimiter([resource('R1', 2)]);
  const three = model(limiter, limits({ R1: 1 }), { count: 3 });
  for (const id of ['a', 'b', 'c']) three.send(id);
  assert.equal(three.instances.running.length, 2);
});

test('a global resource is shared between models', async () => {
  const limiter = new RateLimiter([]);
  const big = model(limiter, limits({}, 0, { G: 2 }));
  const small = model(limiter, limits({}, 0, { G: 1 }));
  big.send('big');
  small.send('small');
  assert.equal(small.instances.running.length, 0);
  await big.instances.finishNext();
  assert.equal(small.instances.running.length, 1);
});

test('the smallest product of executions and priority goes first', async () => {
  const limiter = new RateLimiter([]);
  const holder = model(limiter, limits({ R: 1 }));
  const seldom = model(limiter, limits({ R: 1 }, 4));
  const often = model(limiter, limits({ R: 1 }, 1));
  holder.send('h');
  for (const id of ['s1', 's2']) seldom.send(id);
  for (const id of ['o1', 'o2']) often.send(id);
  const order: string[] = [];
  for (const each of [holder, often, often, seldom, seldom]) {
    order.push(...each.instances.running.flatMap(({ ids }) => ids));
    await each.instances.finishNext();
    await noticed();
  }
  assert.deepEqual(order, ['h', 'o1', 'o2', 's1', 's2']);
});

test('nobody overtakes the one whose turn it is, however little it needs', async () => {
  const limiter = new RateLimiter([resource('R', 2)]);
  const first = model(limiter, limits({ R: 1 }));
  const large = model(limiter, limits({ R: 2 }));
  const small = model(limiter, limits({ R: 1 }), { count: 2 });
  first.send('first');
  large.send('large');
  small.send('small');
  assert.equal(small.instances.running.length, 0, 'the large one waits before it');
  await first.instances.finishNext();
  assert.equal(large.instances.running.length, 1);
});

test('a turn nobody uses any more is passed on', async () => {
  const limiter = new RateLimiter([]);
  const a = model(limiter, limits({ R: 1 }));
  const b = model(limiter, limits({ R: 1 }));
  const c = model(limiter, limits({ R: 1 }));
  a.send('a');
  b.send('gone').request.cancellation.cancel();
  c.send('c');
  await a.instances.finishNext();
  await noticed();
  assert.deepEqual([b.instances.executions.length, c.instances.running.length], [0, 1]);
});

test('unloading a model that waits lets the others go on', async () => {
  const limiter = new RateLimiter([]);
  const a = model(limiter, limits({ R: 1 }));
  const b = model(limiter, limits({ R: 2 }));
  const c = model(limiter, limits({ R: 1 }));
  a.send('a');
  b.send('b');
  c.send('c');
  limiter.unregister(b.turns);
  await a.instances.finishNext();
  await noticed();
  assert.equal(c.instances.running.length, 1);
});

test('resources that can never suffice fail the load with the texts of Triton', () => {
  const pool = new ResourcePool([resource('R1', 3), resource('X', 1)]);
  assert.throws(() => pool.add([limits({ R1: 4 }).needs]), {
    code: 'INVALID_ARG',
    message:
      'Resource count for "R1" is limited to 3 which will prevent scheduling of one or more model instances, the minimum required count is 4',
  });
  pool.add([limits({ X: 1 }).needs]);
  assert.throws(() => pool.add([limits({}, 0, { X: 1 }).needs]), {
    message: 'Resource "X" is present as both global and device-specific resource in the model configuration.',
  });
});

test('with --rate-limit-resource there is nothing else, and what is on another device is not for the CPU', () => {
  const pool = new ResourcePool([resource('R1', 1), resource('R1', 4, 0), resource('R2', 2, 7)]);
  const limited = (name: string, limit: number, count: number) => ({
    code: 'INVALID_ARG',
    message: `Resource count for "${name}" is limited to ${limit} which will prevent scheduling of one or more model instances, the minimum required count is ${count}`,
  });
  assert.throws(() => pool.add([limits({ unlisted: 1 }).needs]), limited('unlisted', 0, 1));
  assert.throws(() => pool.add([limits({ R2: 1 }).needs]), limited('R2', 0, 1));
  assert.throws(() => pool.add([limits({ R1: 5 }).needs]), limited('R1', 4, 5));
  const { needs } = limits({}, 0, { R2: 2 });
  pool.add([needs, limits({ R1: 4 }).needs]);
  assert.equal(pool.take(needs), true, 'a global resource is looked for on every device');
  assert.equal(pool.take(needs), false);
});

test('property: never more is taken than there is, and every request is answered', async () => {
  const need = fc.record({
    R: fc.integer({ min: 0, max: 3 }),
    S: fc.integer({ min: 0, max: 2 }),
    priority: fc.integer({ min: 0, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(need, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(100), { maxLength: 40 }),
      async (needs, events) => {
        const limiter = new RateLimiter([resource('R', 3), resource('S', 2)]);
        const models = needs.map(({ R, S, priority }) => model(limiter, limits({ R, S }, priority), { count: 2 }));
        const requests: TestRequest[] = [];
        const check = () => {
          const taken = (name: 'R' | 'S') =>
            models.reduce((sum, { instances }, index) => sum + instances.running.length * needs[index]![name], 0);
          assert.ok(taken('R') <= 3 && taken('S') <= 2);
        };
        for (const event of events) {
          const target = models[event % models.length]!;
          if (event % 3 > 0) requests.push(target.send(String(requests.length)));
          else if (target.instances.running.length > 0) await target.instances.finishNext();
          check();
        }
        for (let round = 0; round <= requests.length; round++) {
          for (const { instances } of models) await instances.finishAll();
          await noticed();
          check();
        }
        assert.deepEqual(
          requests.map(({ outcome }) => outcome),
          requests.map(() => 'ok'),
        );
      },
    ),
    { numRuns: 60 },
  );
});
