import { flushCompileCache } from 'node:module';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 1_000;
/** Share of its time that an event loop with nothing to do spends on timers. */
const IDLE_UTILIZATION = 0.02;

/**
 * Once, in the first second with nothing to do: gives back what starting took. V8 keeps the room that loading the program and the models
 * filled with garbage, 20 MB, until requests fill it again; collecting it takes a tenth of a second, which nobody waits for then.
 * Does not keep the process alive.
 */
export function releaseMemoryWhenIdle(utilization = utilizationMeter(), release = releaseMemory): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (utilization() > IDLE_UTILIZATION) return;
    clearInterval(timer);
    release();
  }, LOOK_EVERY_MS);
  return timer.unref();
}

/** How busy the event loop was since the last call: 0 to 1. */
function utilizationMeter(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

function releaseMemory(): void {
  // Compiled code that has not been written yet is kept in memory until the process ends.
  flushCompileCache();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  setFlagsFromString('--no-expose-gc');
  // The kind of collection that V8 does before it gives up for want of memory: it also shrinks its spaces and empties its pools.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
