// Preloaded into a server under test (NODE_OPTIONS=--import): measures how long its event loop is held. A timer of 1 ms looks at the clock and at
// the CPU time of the main thread. The longest time between two looks is what a request may have to wait; the most CPU time between two looks
// bounds the longest hold by the main thread's own work. What the first has more is time in which the thread waited for a core: other threads of
// the process, other processes. SIGUSR2 starts a new window, SIGUSR1 writes the figures of the window to the file named by
// BENCH_LOOP_HOLD_FILE.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_LOOP_HOLD_FILE;

const CLOCK_THREAD_CPUTIME_ID = 3;
/** Of at most this many looks the figures are kept: a minute's. */
const MAX_LOOKS = 60_000;

function meter(path) {
  const threadCpuMs = threadClock();
  const waits = new Float64Array(MAX_LOOKS);
  const works = new Float64Array(MAX_LOOKS);
  let count = 0;
  let atMs = performance.now();
  let cpuMs = threadCpuMs();
  const look = () => {
    const nowMs = performance.now();
    const nowCpuMs = threadCpuMs();
    if (count < MAX_LOOKS) {
      waits[count] = nowMs - atMs;
      works[count++] = nowCpuMs - cpuMs;
    }
    atMs = nowMs;
    cpuMs = nowCpuMs;
    setTimeout(look, 1).unref();
  };
  look();
  process.on('SIGUSR2', () => {
    count = 0;
  });
  process.on('SIGUSR1', () => {
    writeFileSync(path, JSON.stringify({ wall: summary(waits.slice(0, count)), cpu: summary(works.slice(0, count)) }));
  });
}

/** `process.threadCpuUsage` counts in steps of milliseconds on many kernels; the clock behind it does not. */
function threadClock() {
  // The engine's dependency.
  const koffi = createRequire(new URL('../../packages/engine/package.json', import.meta.url))('koffi');
  const read = koffi.load('libc.so.6').func('int clock_gettime(int, void *)');
  const time = new BigInt64Array(2);
  return () => {
    read(CLOCK_THREAD_CPUTIME_ID, time);
    return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
  };
}

function summary(values) {
  values.sort();
  return { maxMs: values.at(-1) ?? 0, p99Ms: values[Math.floor(values.length * 0.99)] ?? 0 };
}

// Worker threads are preloaded too.
if (file !== undefined && isMainThread) meter(file);
