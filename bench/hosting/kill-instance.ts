import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADD_SUB_CONFIG, addSubModel, writeModel } from '../lib/models.ts';
import type { Benchmark, BenchReport } from '../lib/report.ts';
import { median } from '../lib/rounds.ts';
import { type DeployedHost, deployHost } from './deployed-host.ts';

const ROUNDS = 5;
const CONNECTIONS = 8;
const BEFORE_MS = 500;
const AFTER_MS = 2_000;

interface Outcome {
  readonly requests: number;
  /** Requests that were with the instance when it died: their bytes were sent, so they may not be sent again. */
  readonly lostInFlight: number;
  /** Requests that failed although nothing of them had reached the instance. */
  readonly lostRetriable: number;
  readonly recoveryMs: number;
}

const BODY = JSON.stringify({
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    data: Array.from({ length: 16 }, () => 1),
  })),
});

function split(raw: Buffer): { path: string; headers: Record<string, string> } {
  const [start = '', ...lines] = raw.toString('latin1', 0, raw.indexOf('\r\n\r\n')).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  );
  return { path: start.split(' ')[1] ?? '/', headers };
}

async function healthyCount(host: DeployedHost): Promise<number> {
  return (await host.describe()).ProductionVariants?.[0]?.CurrentInstanceCount ?? 0;
}

async function killOne(host: DeployedHost): Promise<Outcome> {
  const { path, headers } = split(await host.signedRequest('application/json', Buffer.from(BODY), false));
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const failures: { startedMs: number; status: number }[] = [];
  let requests = 0;
  let isDone = false;
  const one = (): Promise<number> =>
    new Promise((resolve) => {
      const call = request({ agent, port: host.port, method: 'POST', path, headers }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
      });
      call.once('error', () => resolve(0));
      call.end(BODY);
    });
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (!isDone) {
      const startedMs = performance.now();
      const status = await one();
      requests += 1;
      if (status !== 200) failures.push({ startedMs, status });
    }
  });
  await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
  const victim = host.instances.at(-1);
  if (!victim) throw new Error('the host has started no instance');
  const killedMs = performance.now();
  process.kill(victim.pid, 'SIGKILL');
  while ((await healthyCount(host)) === 2);
  while ((await healthyCount(host)) < 2);
  const recoveryMs = performance.now() - killedMs;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, AFTER_MS - recoveryMs)));
  isDone = true;
  await Promise.all(callers);
  agent.destroy();
  // A ModelError says that the container broke a request off which it had got.
  const lostInFlight = failures.filter(({ status }) => status === 424).length;
  return { requests, lostInFlight, lostRetriable: failures.length - lostInFlight, recoveryMs };
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-kill-'));
  const outcomes: Outcome[] = [];
  try {
    const repository = join(directory, 'models');
    writeModel(repository, 'simple', ADD_SUB_CONFIG, addSubModel());
    for (let round = 0; round < ROUNDS; round += 1) {
      log(`round ${round + 1} of ${ROUNDS}`);
      // A fresh host each time: an instance that dies again and again is started with growing delays.
      const host = await deployHost(join(directory, String(round)), repository, 'simple', 2);
      outcomes.push(await killOne(host));
      await host.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    title: 'kill -9 of one of two instances under load',
    columns: ['round', 'requests', 'lost in flight', 'lost, retriable', 'two instances again after'],
    rows: [
      ...outcomes.map((outcome, index) => ({
        cells: [
          index + 1,
          outcome.requests,
          outcome.lostInFlight,
          outcome.lostRetriable,
          `${outcome.recoveryMs.toFixed(0)} ms`,
        ],
      })),
      {
        cells: [
          'all',
          outcomes.reduce((sum, outcome) => sum + outcome.requests, 0),
          outcomes.reduce((sum, outcome) => sum + outcome.lostInFlight, 0),
          outcomes.reduce((sum, outcome) => sum + outcome.lostRetriable, 0),
          `median ${median(outcomes.map((outcome) => outcome.recoveryMs)).toFixed(0)} ms`,
        ],
      },
    ],
    notes: [
      `${CONNECTIONS} clients without retries, one request each at a time. Aim: no request lost that could be retried.`,
      'Lost in flight: the instance had the request when it was killed; at most one for each client.',
    ],
  };
}

export const benchmark: Benchmark = { name: 'hosting/kill-instance', run };
