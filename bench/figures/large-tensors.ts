import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MODEL_INFER_PATH, modelInferRequest } from '../lib/grpc-requests.ts';
import type { LoadResult } from '../lib/load-result.ts';
import { writeModel } from '../lib/models.ts';
import { nereidGrpcServer, nereidServer } from '../lib/nereid-server.ts';
import { type BenchServer, postRequest, runGrpcLoad, runLoad, startBenchServer } from '../lib/process.ts';
import type { Benchmark, BenchReport, Row } from '../lib/report.ts';
import { ratioText } from '../lib/report.ts';
import { alternate, type Contender, median } from '../lib/rounds.ts';

const SIZES_MB = [1, 16, 64];
const ROUNDS = 5;
const WARM_UP_MS = 1_000;
const MEASURE_MS = 2_000;
const MIB = 2 ** 20;

const IDENTITY_CONFIG = `name: "identity"
backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] } ]
`;

interface Protocol {
  readonly name: 'http' | 'grpc';
  readonly nereid: (repository: string, env: Readonly<Record<string, string>>) => Promise<BenchServer>;
  /** A load of one connection that sends the tensor over and over. */
  readonly load: (data: Uint8Array) => (port: number) => Promise<LoadResult>;
}

const TIMES = { connections: 1, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'http',
    nereid: (repository, env) => nereidServer(repository, true, [], env),
    load: (data) => {
      const requestBase64 = httpRequest(data);
      return (port) => runLoad({ port, requestBase64, ...TIMES });
    },
  },
  {
    name: 'grpc',
    nereid: (repository, env) => nereidGrpcServer(repository, true, env),
    load: (data) => {
      const input = { name: 'INPUT0', dataType: 'FP32', shape: [data.length / 4], data };
      const bodyBase64 = modelInferRequest('identity', [input]);
      return (port) => runGrpcLoad({ port, path: MODEL_INFER_PATH, bodyBase64, streams: 1, ...TIMES });
    },
  },
];

function httpRequest(data: Uint8Array): string {
  const header = JSON.stringify({
    inputs: [
      {
        name: 'INPUT0',
        shape: [data.length / 4],
        datatype: 'FP32',
        parameters: { binary_data_size: data.length },
      },
    ],
    parameters: { binary_data_output: true },
  });
  return postRequest(
    '/v2/models/identity/infer',
    { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': String(header.length) },
    Buffer.concat([Buffer.from(header), data]),
  );
}

/** A server whose event loop is watched. */
interface WatchedServer extends BenchServer {
  /** Longest hold of the event loop since the last call, in milliseconds. */
  takeLongestHoldMs(): Promise<number>;
}

async function watched(file: string, start: (env: Record<string, string>) => Promise<BenchServer>) {
  const preload = new URL('../lib/loop-delay.mjs', import.meta.url).href;
  const server = await start({ NODE_OPTIONS: `--import=${preload}`, BENCH_LOOP_DELAY_FILE: file });
  return {
    ...server,
    async takeLongestHoldMs() {
      server.signal('SIGUSR1');
      await delay(300);
      const { maxMs } = JSON.parse(readFileSync(file, 'utf8')) as { maxMs: number };
      server.signal('SIGUSR2');
      return maxMs;
    },
  };
}

interface Cell {
  readonly gigabytesPerSecond: number;
  readonly cpuMillis: number;
  readonly memory: number;
  readonly holdMs: number;
}

function contender(
  name: string,
  server: WatchedServer,
  idleBytes: number,
  payloadBytes: number,
  load: (port: number) => Promise<LoadResult>,
): Contender & { readonly cells: Cell[] } {
  const cells: Cell[] = [];
  return {
    name,
    cells,
    async measure() {
      await server.takeLongestHoldMs();
      server.resetPeak();
      const cpuBefore = server.cpuMicros();
      const result = await load(server.port);
      if (result.errors > 0) throw new Error(`${name}: ${result.errors} requests failed`);
      const requests = result.requests * ((WARM_UP_MS + MEASURE_MS) / MEASURE_MS);
      const gigabytesPerSecond = (result.requests * payloadBytes) / result.seconds / 1e9;
      cells.push({
        gigabytesPerSecond,
        cpuMillis: (server.cpuMicros() - cpuBefore) / requests / 1000,
        memory: (server.peakResidentBytes() - idleBytes) / payloadBytes,
        holdMs: await server.takeLongestHoldMs(),
      });
      return gigabytesPerSecond;
    },
  };
}

function cellText(cells: readonly Cell[]): string {
  const of = (field: keyof Cell) => median(cells.map((cell) => cell[field]));
  const memory = Math.max(...cells.map((cell) => cell.memory));
  return `${of('gigabytesPerSecond').toFixed(2)} · ${of('cpuMillis').toFixed(1)} · ${memory.toFixed(1)} · ${of('holdMs').toFixed(0)}`;
}

async function measureSize(protocol: Protocol, megabytes: number, directory: string): Promise<Row> {
  const payloadBytes = megabytes * MIB;
  const load = protocol.load(new Uint8Array(payloadBytes).fill(1));
  const echoScript = fileURLToPath(new URL('../lib/echo-server.ts', import.meta.url));
  const nereid = await watched(join(directory, 'nereid.json'), (env) => protocol.nereid(directory, env));
  const echo = await watched(join(directory, 'echo.json'), (env) =>
    startBenchServer({
      args: [echoScript, protocol.name],
      portPattern: /listening at 127\.0\.0\.1:(\d+)/,
      pinned: true,
      env,
    }),
  );
  try {
    const first = contender('nereid', nereid, nereid.residentBytes(), payloadBytes, load);
    const second = contender('echo', echo, echo.residentBytes(), payloadBytes, load);
    const { ratio } = await alternate(first, second, ROUNDS);
    return {
      cells: [protocol.name, `${megabytes} MiB`, cellText(first.cells), cellText(second.cells), ratioText(ratio)],
    };
  } finally {
    await nereid.stop();
    await echo.stop();
  }
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  writeModel(directory, 'identity', IDENTITY_CONFIG);
  const rows: Row[] = [];
  try {
    for (const protocol of PROTOCOLS) {
      for (const megabytes of SIZES_MB) {
        log(`${protocol.name}, ${megabytes} MiB`);
        rows.push(await measureSize(protocol, megabytes, directory));
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    title:
      'Identity with a large tensor against an echo (aims: ≥ 0.7 of it, memory ≤ 2.5 × the payload, no hold over 50 ms)',
    columns: [
      'protocol',
      'tensor',
      'nereid: GB/s · CPU ms/req · peak memory ÷ payload · longest hold ms',
      'echo: the same',
      'ratio of GB/s, median [min–max]',
    ],
    rows,
    notes: [
      'One connection, one request after the other; GB/s counts the tensor once. Servers on one core, load on the other.',
      'Memory: the most that was resident in any round, less what was resident before the first request. Hold: median of the rounds.',
      'The echo gathers the body in one buffer and sends that back.',
    ],
  };
}

export const benchmark: Benchmark = { name: 'large', run };
