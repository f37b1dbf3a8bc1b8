/**
 * Poisson load that does not wait for the server. Runs as a process of its own, takes its task as one JSON line on standard input and answers
 * with one JSON line. Latencies count from when a request was due.
 */
import { openLoop, seededRandom } from 'nereid/load-generator';

export interface OpenLoadTask {
  readonly port: number;
  /** The whole request, headers included, base64. */
  readonly requestBase64: string;
  readonly requestsPerSecond: number;
  readonly seconds: number;
}

export interface OpenLoadResult {
  readonly good: number;
  /** Refused with 503. */
  readonly refused: number;
  /** Anything else that went wrong. */
  readonly failed: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  /** Text of a failure that was no refusal. */
  readonly failure: string | undefined;
}

/** Above the requests that a server at twice its peak has under way, and below what a burst of new connections drops. */
const MAX_CONNECTIONS = 256;

let input = '';
for await (const chunk of process.stdin) input += String(chunk);
const task = JSON.parse(input) as OpenLoadTask;
const bytes = Buffer.from(task.requestBase64, 'base64');
const load = openLoop(
  { host: '127.0.0.1', port: task.port, request: () => bytes },
  {
    requestsPerSecond: task.requestsPerSecond,
    distribution: 'poisson',
    random: seededRandom(1),
    maxConnections: MAX_CONNECTIONS,
    // The machine is the server's: a generator that waits precisely would take a core of it.
    timing: 'coarse',
  },
);
await new Promise((resolve) => setTimeout(resolve, task.seconds * 1000));
const samples = load.drain();
await load.stop();
const good = samples.filter(({ error }) => error === undefined);
const refused = samples.filter(({ error }) => error?.startsWith('503'));
const latencies = Float64Array.from(good, ({ startMs, endMs }) => endMs - startMs).sort();
const quantile = (q: number) =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? Number.NaN;
const result: OpenLoadResult = {
  good: good.length,
  refused: refused.length,
  failed: samples.length - good.length - refused.length,
  p50Millis: quantile(0.5),
  p99Millis: quantile(0.99),
  failure: samples.find(({ error }) => error !== undefined && !error.startsWith('503'))?.error,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
