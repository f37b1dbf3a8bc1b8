import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Random } from '../random.ts';
import { Client, type Load, type LoadTarget, type Sample } from './target.ts';

export type Distribution = 'poisson' | 'constant';

export interface OpenLoopOptions {
  readonly requestsPerSecond: number;
  readonly distribution: Distribution;
  readonly random: Random;
  /** Connections at most; a request that finds all of them taken waits, and its latency counts from when it was due. */
  readonly maxConnections: number;
  /**
   * `precise` sends within microseconds of the time and takes most of a core for that; `coarse` sends what is due once a millisecond. Default:
   * precise.
   */
  readonly timing?: 'precise' | 'coarse';
}

/** A timer of Node may be late by this much; the rest is waited for turn by turn. */
const TIMER_SLACK_MS = 1.5;
const COARSE_INTERVAL_MS = 1;

/** Milliseconds between two requests. Those of a Poisson process are exponential. */
export function interval({ requestsPerSecond, distribution, random }: OpenLoopOptions): number {
  const meanMs = 1000 / requestsPerSecond;
  return distribution === 'constant' ? meanMs : -Math.log(1 - random()) * meanMs;
}

/** Sends requests at times of its own, whatever the server does. Latencies count from the scheduled time, so a slow server cannot hide its queue. */
export function openLoop(target: LoadTarget, options: OpenLoopOptions): Load {
  let samples: Sample[] = [];
  let running = true;
  const idle: Client[] = [];
  const clients: Client[] = [];
  const waiting: number[] = [];
  const serve = async (client: Client, firstDueMs: number) => {
    for (let dueMs: number | undefined = firstDueMs; dueMs !== undefined && running; dueMs = waiting.shift()) {
      const sample = await client.send(dueMs);
      samples.push(sample);
    }
    idle.push(client);
  };
  const dispatch = (dueMs: number) => {
    let client = idle.pop();
    if (client === undefined && clients.length < options.maxConnections) {
      client = new Client(target, clients.length);
      clients.push(client);
    }
    if (client === undefined) waiting.push(dueMs);
    else void serve(client, dueMs);
  };
  const schedule = (async () => {
    const wait = options.timing === 'coarse' ? untilCoarse : until;
    for (let dueMs = performance.now(); running; dueMs += interval(options)) {
      await wait(dueMs, () => running);
      if (running) dispatch(dueMs);
    }
  })();
  return {
    drain() {
      const drained = samples;
      samples = [];
      return drained;
    },
    async stop() {
      running = false;
      for (const client of clients) client.close();
      await schedule;
    },
  };
}

async function untilCoarse(timeMs: number, goesOn: () => boolean): Promise<void> {
  while (timeMs > performance.now() && goesOn()) {
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(COARSE_INTERVAL_MS, Math.min(timeMs - performance.now(), 100))),
    );
  }
}

async function until(timeMs: number, goesOn: () => boolean): Promise<void> {
  for (let leftMs = timeMs - performance.now(); leftMs > 0 && goesOn(); leftMs = timeMs - performance.now()) {
    if (leftMs > TIMER_SLACK_MS) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs - TIMER_SLACK_MS, 100)));
    } else {
      await nextTurn();
    }
  }
}
