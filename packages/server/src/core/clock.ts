import type { Clock } from '../inference/index.ts';

/** Below this a timer of Node, which counts whole milliseconds, would be late; the loop is polled instead. */
const TIMER_RESOLUTION_MS = 1;

/** The process's monotonic clock. Delays below a millisecond are met by polling the event loop for that long. */
export const systemClock: Clock = {
  nowNs() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e9 + nanoseconds;
  },
  schedule(delayMs, callback) {
    if (delayMs >= TIMER_RESOLUTION_MS) {
      const timer = setTimeout(callback, Math.min(Math.floor(delayMs), 0x7fffffff));
      return () => clearTimeout(timer);
    }
    const deadlineMs = performance.now() + delayMs;
    const poll = () => {
      if (performance.now() >= deadlineMs) callback();
      else immediate = setImmediate(poll);
    };
    let immediate = setImmediate(poll);
    return () => clearImmediate(immediate);
  },
};
