// Preloaded into a server under test (NODE_OPTIONS=--import): measures how long its event loop was held. SIGUSR2 starts a new window, SIGTERM's
// exit writes the longest delay of the window in milliseconds to the file named by BENCH_LOOP_DELAY_FILE.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const file = process.env.BENCH_LOOP_DELAY_FILE;
if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  process.on('SIGUSR2', () => delay.reset());
  const write = () =>
    writeFileSync(file, JSON.stringify({ maxMs: delay.max / 1e6, p99Ms: delay.percentile(99) / 1e6 }));
  process.on('SIGUSR1', write);
}
