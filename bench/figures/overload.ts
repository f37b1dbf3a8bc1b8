import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { batchModelConfig, convolutionModel, perceptronModel, writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import type { OpenLoadResult, OpenLoadTask } from '../lib/open-load.ts';
import { postRequest, runLoad } from '../lib/process.ts';
import type { Benchmark, BenchOptions, BenchReport, Row } from '../lib/report.ts';
import { median } from '../lib/rounds.ts';

const WIDTH = 1_024;
const LAYERS = 12;
const STRIDE = 1;
const BATCH = 8;
const CLIENTS = 32;
const MAX_QUEUE = 64;
const PEAK_ROUNDS = 3;
const WARM_UP_MS = 1_000;
const PEAK_MS = 3_000;
const SECONDS = 10;
const FULL_SECONDS = 60;
const MEMORY_INTERVAL_MS = 250;

/** The first seconds fill queues and caches; memory counts from then on. */
const SETTLING_SHARE = 0.2;

async function openLoad(task: OpenLoadTask): Promise<OpenLoadResult> {
  const script = fileURLToPath(new URL('../lib/open-load.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(task));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the load generator ended with code ${String(code)}`);
  return JSON.parse(output) as OpenLoadResult;
}

interface Subject {
  readonly name: string;
  readonly item: readonly number[];
  readonly model: Uint8Array;
}

const subjects = (): readonly Subject[] => [
  { name: 'cnn', item: [1, WIDTH], model: convolutionModel(WIDTH, STRIDE) },
  { name: 'mlp', item: [WIDTH], model: perceptronModel(WIDTH, LAYERS) },
];

async function measureSubject(subject: Subject, seconds: number, log: (line: string) => void): Promise<Row> {
  const { name, item, model } = subject;
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const batching = `dynamic_batching { default_queue_policy { max_queue_size: ${MAX_QUEUE} } }`;
  writeModel(directory, name, batchModelConfig({ name, item, batching }, BATCH), model);
  const server = await nereidServer(directory, false);
  const headers = { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': '0' };
  const requestBase64 = postRequest(`/v2/models/${name}/infer`, headers, new Uint8Array(4 * WIDTH));
  try {
    const peaks: number[] = [];
    const peakCpu: number[] = [];
    for (let round = 0; round < PEAK_ROUNDS; round++) {
      log(`${name}: peak, round ${round + 1} of ${PEAK_ROUNDS}`);
      const task = { port: server.port, requestBase64, connections: CLIENTS, warmUpMs: WARM_UP_MS, measureMs: PEAK_MS };
      const cpuBefore = server.cpuMicros();
      const result = await runLoad(task, false);
      if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
      peaks.push(result.requests / result.seconds);
      peakCpu.push((server.cpuMicros() - cpuBefore) / (result.requests * ((WARM_UP_MS + PEAK_MS) / PEAK_MS)));
    }
    const peak = median(peaks);
    log(`${name}: ${(2 * peak).toFixed(0)} requests/s for ${seconds} s`);
    const resident: number[] = [];
    const sampler = setInterval(() => resident.push(server.residentBytes() / 2 ** 20), MEMORY_INTERVAL_MS);
    const cpuBefore = server.cpuMicros();
    const result = await openLoad({ port: server.port, requestBase64, requestsPerSecond: 2 * peak, seconds });
    clearInterval(sampler);
    if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${result.failure}`);
    const settled = resident.slice(Math.floor(resident.length * SETTLING_SHARE));
    const half = settled.length >> 1;
    const goodput = result.good / seconds;
    return {
      cells: [
        name,
        peak.toFixed(0),
        (2 * peak).toFixed(0),
        goodput.toFixed(0),
        (goodput / peak).toFixed(2),
        result.refused,
        `${result.p50Millis.toFixed(0)} · ${result.p99Millis.toFixed(0)}`,
        ((MAX_QUEUE / peak) * 1000).toFixed(0),
        `${median(peakCpu).toFixed(0)} · ${((server.cpuMicros() - cpuBefore) / result.good).toFixed(0)}`,
        `${median(settled.slice(0, half)).toFixed(0)} → ${median(settled.slice(half)).toFixed(0)}`,
      ],
    };
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(log: (line: string) => void, { full }: BenchOptions = { full: false }): Promise<BenchReport> {
  const seconds = full ? FULL_SECONDS : SECONDS;
  const rows: Row[] = [];
  for (const subject of subjects()) rows.push(await measureSubject(subject, seconds, log));
  return {
    title: `Twice the peak for ${seconds} s, Poisson arrivals (aims: goodput ≥ 0.90 of the peak, memory flat, p99 of what is accepted bounded)`,
    columns: [
      'model',
      'peak req/s',
      'offered',
      'goodput',
      'of the peak',
      'refused (503)',
      'p50 · p99 ms of accepted',
      'a full queue at the peak, ms',
      'server CPU µs per good answer, peak · overload',
      'MiB resident, first half → second half',
    ],
    rows,
    notes: [
      `cnn: three 1-D convolutions over ${WIDTH} samples; mlp: ${LAYERS} layers of ${WIDTH} × ${WIDTH}. Batches of up to ${BATCH}, queue of ${MAX_QUEUE}. Peak: ${CLIENTS} clients, median of ${PEAK_ROUNDS}. Latencies count from when a request was due.`,
      'Server and load share all cores: what the load needs for twice the requests, and the server for refusing half of them, is missing for the model. The smaller the model, the more that is.',
    ],
  };
}

export const benchmark: Benchmark = { name: 'overload', run };
