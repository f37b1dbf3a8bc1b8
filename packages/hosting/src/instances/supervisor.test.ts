import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '../clock.ts';
import type { Instance, InstanceExit, InstanceProvider } from './instance-provider.ts';
import { RestartDelay } from './restart-delay.ts';
import { InstanceStartError, InstanceSupervisor } from './supervisor.ts';

/** A clock that stands until it is told to move on. */
class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Runs what is due, in order, and lets everything that waits for it go on. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#now = next.at;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.run();
    }
    this.#now = end;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

interface FakeInstance {
  readonly id: string;
  exit(code: number, logTail?: readonly string[]): void;
  stops: number[];
}

function fixture(options: { persistent?: boolean; healthy?: () => boolean } = {}): {
  clock: ManualClock;
  launched: FakeInstance[];
  events: string[];
  supervisor: InstanceSupervisor;
} {
  const clock = new ManualClock();
  const launched: FakeInstance[] = [];
  const events: string[] = [];
  const provider: InstanceProvider = {
    reclaim: async () => undefined,
    launch: async ({ instanceId }): Promise<Instance> => {
      let end: (exit: InstanceExit) => void = () => undefined;
      const exited = new Promise<InstanceExit>((resolve) => {
        end = resolve;
      });
      const exit = (code: number, logTail: readonly string[] = []): void =>
        end({ containerName: 'primary', code, signal: null, logTail });
      const fake: FakeInstance = { id: instanceId, exit, stops: [] };
      launched.push(fake);
      return {
        id: instanceId,
        containers: [{ name: 'primary', host: '127.0.0.1', port: launched.length }],
        exited,
        logTail: () => ['error: still loading'],
        stop: async (graceMs) => {
          fake.stops.push(graceMs);
          exit(0);
        },
      };
    },
  };
  const supervisor = new InstanceSupervisor({
    provider,
    spec: () => ({ endpointName: 'e', variantName: 'v', containers: [], cpus: 1 }),
    isHealthy: async () => options.healthy?.() ?? true,
    startTimeoutMs: 10_000,
    stopGraceMs: 30_000,
    persistent: options.persistent ?? false,
    clock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    onHealthy: () => events.push('up'),
    onDown: async (_instance, isDead) => void events.push(isDead ? 'dead' : 'drained'),
  });
  return { clock, launched, events, supervisor };
}

test('an instance that dies comes back at once, then with growing delays', async () => {
  const { clock, launched, events, supervisor } = fixture();
  await supervisor.start();
  for (const delayMs of [0, 500, 1000, 2000]) {
    const count = launched.length;
    launched.at(-1)?.exit(1);
    await clock.pass(Math.max(0, delayMs - 1));
    if (delayMs > 0) assert.equal(launched.length, count);
    await clock.pass(1);
    assert.equal(launched.length, count + 1, `after ${delayMs} ms`);
  }
  assert.deepEqual(events, ['up', 'dead', 'up', 'dead', 'up', 'dead', 'up', 'dead', 'up']);
  await supervisor.stop();
});

test('an instance that hangs is ended and started again', async () => {
  let healthy = true;
  const { clock, launched, events, supervisor } = fixture({ healthy: () => healthy });
  await supervisor.start();
  healthy = false;
  await clock.pass(14_999);
  assert.equal(launched.length, 1);
  await clock.pass(1);
  assert.deepEqual(launched[0]?.stops, [0]);
  healthy = true;
  await clock.pass(1000);
  assert.deepEqual(events, ['up', 'drained', 'up']);
  await supervisor.stop();
});

test('a first start that fails is told with the end of the log, and is not repeated', async () => {
  const exits = fixture({ healthy: () => false });
  const started = exits.supervisor.start();
  const failed = assert.rejects(started, (error: unknown) => {
    assert.ok(error instanceof InstanceStartError);
    assert.equal(
      error.message,
      'Container primary exited with code 1. Its log says: E1123 10:00:00.000000 1 x.cc:1] bad op',
    );
    return true;
  });
  await settle();
  exits.launched[0]?.exit(1, ['I loading', 'E1123 10:00:00.000000 1 x.cc:1] bad op', 'I bye']);
  await failed;
  assert.equal(exits.launched.length, 1);

  const hangs = fixture({ healthy: () => false });
  const late = assert.rejects(hangs.supervisor.start(), {
    message: 'No answer to /ping within 10 s. Its log says: error: still loading',
  });
  await hangs.clock.pass(10_300);
  await late;
  assert.deepEqual(hangs.launched[0]?.stops, [0]);
});

test('a persistent one is tried until it comes up', async () => {
  let healthy = false;
  const { clock, launched, supervisor } = fixture({ persistent: true, healthy: () => healthy });
  let isUp = false;
  void supervisor.start().then(() => {
    isUp = true;
  });
  await settle();
  launched[0]?.exit(1);
  await clock.pass(500);
  launched[1]?.exit(1);
  healthy = true;
  await clock.pass(1000);
  assert.equal(launched.length, 3);
  assert.ok(isUp);
  await supervisor.stop();
});

test('stopping drains, then ends the instance, whatever state it is in', async () => {
  const healthy = fixture();
  await healthy.supervisor.start();
  await healthy.supervisor.stop();
  assert.deepEqual(healthy.events, ['up', 'drained']);
  assert.deepEqual(healthy.launched[0]?.stops, [30_000]);

  const starting = fixture({ healthy: () => false });
  const started = starting.supervisor.start();
  await settle();
  await starting.supervisor.stop();
  await started;
  assert.deepEqual(starting.events, []);
  assert.deepEqual(starting.launched[0]?.stops, [30_000]);

  const waiting = fixture();
  await waiting.supervisor.start();
  waiting.launched[0]?.exit(1);
  await waiting.clock.pass(0);
  waiting.launched[1]?.exit(1);
  await waiting.clock.pass(100);
  await waiting.supervisor.stop();
  assert.equal(waiting.launched.length, 2);
});

test('whatever happens in whatever order: never two instances at once, and up only between its events', async () => {
  const step = fc.constantFrom('die', 'sick', 'well', 'wait', 'long');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      let isWell = true;
      const { clock, launched, events, supervisor } = fixture({ persistent: true, healthy: () => isWell });
      void supervisor.start();
      for (const name of steps) {
        if (name === 'die') launched.at(-1)?.exit(1);
        else if (name === 'sick') isWell = false;
        else if (name === 'well') isWell = true;
        await clock.pass(name === 'long' ? 120_000 : 700);
        const ups = events.filter((event) => event === 'up').length;
        const downs = events.length - ups;
        assert.ok(ups - downs === 0 || ups - downs === 1, events.join());
        assert.equal(supervisor.healthy, ups - downs === 1);
      }
      await supervisor.stop();
      assert.notEqual(events.at(-1), 'up');
      assert.equal(launched.filter((one) => one.stops.length === 0).length, 0);
    }),
    { numRuns: 40 },
  );
});

test('delays grow to half a minute and start over after a minute of health', () => {
  const delay = new RestartDelay();
  assert.deepEqual(
    Array.from({ length: 9 }, () => delay.next(10)),
    [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
  );
  assert.equal(delay.next(60_000), 0);
  assert.equal(new RestartDelay().next(0), 500, 'one that never came up is not tried again at once');
});
