import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  FailureCounts,
  RecordedOutput,
  RecordedStatistics,
  Replay,
  ReplayedAnswer,
  Scenario,
  ScenarioStep,
} from './schedulers-types.ts';
import { type Ports, startServer } from './server-process.ts';
import { write } from './transcripts-repository.ts';

/** As in the recording. */
const STATISTICS_DELAY_MS = 200;
const ANSWER_TIMEOUT_MS = 60_000;
const FLAGS = [
  '--http-address=127.0.0.1',
  '--http-port=0',
  '--allow-grpc=false',
  '--metrics-address=127.0.0.1',
  '--metrics-port=0',
  '--exit-on-error=false',
];

/** Runs a scenario on a fresh `nereid serve`. `sources` are the directories that models are copied from. */
export async function replayScenario(scenario: Scenario, sources: readonly string[]): Promise<Replay> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-schedulers-'));
  try {
    const { files, copies, flags, env } = scenario.server;
    for (const [path, text] of Object.entries(files)) write(join(directory, path), text);
    for (const model of copies) copyModel(model, sources, directory);
    const started = await startServer([`--model-repository=${directory}`, ...FLAGS, ...flags], env, [
      'http',
      'metrics',
    ]);
    if (!('server' in started)) throw new Error(`the server ended with ${started.exitCode}:\n${started.output}`);
    try {
      const answers = await sendSteps(scenario.steps, started.server.ports.http!);
      await pause(STATISTICS_DELAY_MS);
      return { answers, ...(await readState(started.server.ports)) };
    } finally {
      await started.server.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function copyModel(model: string, sources: readonly string[], repository: string): void {
  const source = sources.map((directory) => join(directory, model)).find((path) => existsSync(path));
  if (source === undefined) throw new Error(`no recorded model '${model}' in ${sources.join(', ')}`);
  cpSync(source, join(repository, model), { recursive: true });
  // An ensemble's version directory is empty, and archives drop empty directories.
  mkdirSync(join(repository, model, '1'), { recursive: true });
}

async function sendSteps(steps: readonly ScenarioStep[], port: number): Promise<ReplayedAnswer[]> {
  const startMs = performance.now();
  const answers: Promise<ReplayedAnswer>[] = [];
  for (const { send, model, request } of steps) {
    if (typeof send === 'number') {
      await pause(startMs + send - performance.now());
    } else {
      await Promise.all(answers);
      await pause(Number(send.split(' ')[1] ?? 0));
    }
    answers.push(infer(port, model, request, startMs));
  }
  return Promise.all(answers);
}

async function infer(port: number, model: string, body: unknown, startMs: number): Promise<ReplayedAnswer> {
  const sentMs = performance.now();
  const { status, text } = await call(port, 'POST', `/v2/models/${model}/infer`, JSON.stringify(body));
  const answeredMs = performance.now();
  const { id, outputs, error } = JSON.parse(text) as { id?: string; outputs?: RecordedOutput[]; error?: string };
  return {
    status,
    ...(id === undefined ? {} : { id }),
    ...(outputs === undefined ? {} : { outputs }),
    ...(error === undefined ? {} : { error }),
    elapsedMs: answeredMs - sentMs,
    answeredMs: answeredMs - startMs,
  };
}

/** A request on a connection of its own. */
function call(port: number, method: string, path: string, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.once('error', reject);
    request.end(body);
  });
}

interface StatisticsJson {
  readonly model_stats: readonly {
    readonly name: string;
    readonly inference_count?: number;
    readonly execution_count?: number;
    readonly inference_stats: Readonly<Record<string, { readonly count?: number }>>;
    readonly batch_stats: readonly {
      readonly batch_size: number;
      readonly compute_infer: { readonly count: number };
    }[];
  }[];
}

async function readState(ports: Ports): Promise<Omit<Replay, 'answers'>> {
  const statistics = JSON.parse((await call(ports.http!, 'GET', '/v2/models/stats')).text) as StatisticsJson;
  const stats: Record<string, RecordedStatistics> = {};
  for (const model of statistics.model_stats) {
    stats[model.name] = {
      inference_count: model.inference_count ?? 0,
      execution_count: model.execution_count ?? 0,
      batch_stats: model.batch_stats.map(({ batch_size, compute_infer }) => ({
        batch_size,
        count: compute_infer.count,
      })),
      counts: Object.fromEntries(
        Object.entries(model.inference_stats).map(([name, duration]) => [name, duration.count ?? 0]),
      ),
    };
  }
  const failures = failureCounts((await call(ports.metrics!, 'GET', '/metrics')).text);
  const index = JSON.parse((await call(ports.http!, 'POST', '/v2/repository/index')).text) as unknown[];
  return { stats, failures, index };
}

function failureCounts(page: string): FailureCounts {
  const failures: Record<string, Record<string, number>> = {};
  for (const [, labels = '', count] of page.matchAll(/^nv_inference_request_failure\{([^}]*)\} (\d+)/gm)) {
    const model = /model="([^"]*)"/.exec(labels)?.[1];
    const reason = /reason="([^"]*)"/.exec(labels)?.[1];
    if (count === '0' || model === undefined || reason === undefined) continue;
    failures[model] = { ...failures[model], [reason]: Number(count) };
  }
  return failures;
}

function pause(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
