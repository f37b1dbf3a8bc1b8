import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pickByWeight, pickInstance } from './picker.ts';
import { RoutableInstance } from './routable-instance.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('only variants with a weight are picked, and there is always one if any has', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), random, (weights, at) => {
      const picked = pickByWeight(
        weights.map((weight) => ({ weight })),
        () => at,
      );
      if (weights.some((weight) => weight > 0)) assert.ok(picked && picked.weight > 0);
      else assert.equal(picked, undefined);
    }),
  );
});

test('shares follow the weights', () => {
  const choices = [{ weight: 1 }, { weight: 0 }, { weight: 3 }];
  const counts = new Map(choices.map((choice) => [choice, 0]));
  for (let step = 0; step < 1000; step += 1) {
    const picked = pickByWeight(choices, () => step / 1000);
    if (picked) counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [250, 0, 750]);
});

test('the least busy instance is picked, and none that was tried', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), fc.nat(5), random, (loads, skip, at) => {
      const instances = loads.map((load, index) => {
        const instance = new RoutableInstance(String(index), []);
        for (let count = 0; count < load; count += 1) instance.acquire();
        return instance;
      });
      const avoid = new Set(instances.slice(0, Math.min(skip, instances.length - 1)));
      const picked = pickInstance(instances, {
        strategy: 'LEAST_OUTSTANDING_REQUESTS',
        random: () => at,
        nowMs: 0,
        avoid,
      });
      const rest = instances.filter((instance) => !avoid.has(instance));
      assert.equal(picked?.outstanding, Math.min(...rest.map((instance) => instance.outstanding)));
      assert.ok(picked && !avoid.has(picked));
    }),
  );
  assert.equal(pickInstance([], { strategy: 'RANDOM', random: () => 0, nowMs: 0, avoid: new Set() }), undefined);
});

test('an instance tells when it is idle; a request counts once', async () => {
  const instance = new RoutableInstance('i', []);
  const [first, second] = [instance.acquire(), instance.acquire()];
  let isIdle = false;
  const idle = instance.whenIdle().then(() => {
    isIdle = true;
  });
  first();
  first();
  await Promise.resolve();
  assert.equal(isIdle, false);
  second();
  await idle;
  assert.equal(instance.outstanding, 0);
});

test('an instance that broke off is left alone for a while, unless it is the only one', () => {
  const [one, two] = [new RoutableInstance('1', []), new RoutableInstance('2', [])];
  one.suspect(100);
  const pick = (instances: readonly RoutableInstance[], nowMs: number): string | undefined =>
    pickInstance(instances, { strategy: 'RANDOM', random: () => 0, nowMs, avoid: new Set() })?.id;
  assert.deepEqual([pick([one, two], 99), pick([one, two], 100), pick([one], 99)], ['2', '1', '1']);
});
