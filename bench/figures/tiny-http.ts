import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADD_SUB_CONFIG, addSubModel, writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import { type BenchServer, postRequest, runLoad, startBenchServer } from '../lib/process.ts';
import type { Benchmark, BenchReport, Row } from '../lib/report.ts';
import { ratioText } from '../lib/report.ts';
import { alternate, type Contender, median } from '../lib/rounds.ts';

const CONNECTIONS = [1, 8, 32];
const ROUNDS = 5;
const WARM_UP_MS = 500;
const MEASURE_MS = 2_000;

function jsonRequest(): string {
  const data = Array.from({ length: 16 }, (_, index) => index);
  const body = JSON.stringify({
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, shape: [1, 16], datatype: 'INT32', data })),
  });
  return postRequest('/v2/models/simple/infer', { 'Content-Type': 'application/json' }, Buffer.from(body));
}

function binaryRequest(): string {
  const tensor = new Uint8Array(Int32Array.from({ length: 16 }, (_, index) => index).buffer);
  const header = JSON.stringify({
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({
      name,
      shape: [1, 16],
      datatype: 'INT32',
      parameters: { binary_data_size: 64 },
    })),
    parameters: { binary_data_output: true },
  });
  return postRequest(
    '/v2/models/simple/infer',
    { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': String(header.length) },
    Buffer.concat([Buffer.from(header), tensor, tensor]),
  );
}

interface Cell {
  readonly requestsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly cpuMicros: number;
}

function contender(
  name: string,
  server: BenchServer,
  requestBase64: string,
  connections: number,
  cells: Map<string, Cell[]>,
): Contender {
  cells.set(name, []);
  return {
    name,
    async measure() {
      const cpuBefore = server.cpuMicros();
      const result = await runLoad({
        port: server.port,
        requestBase64,
        connections,
        warmUpMs: WARM_UP_MS,
        measureMs: MEASURE_MS,
      });
      if (result.errors > 0) throw new Error(`${name}: ${result.errors} requests failed`);
      // The CPU time covers the warm-up as well: both have the same share of it.
      const requests = result.requests * ((WARM_UP_MS + MEASURE_MS) / MEASURE_MS);
      cells.get(name)!.push({
        requestsPerSecond: result.requests / result.seconds,
        p50Micros: result.p50Micros,
        p99Micros: result.p99Micros,
        cpuMicros: (server.cpuMicros() - cpuBefore) / requests,
      });
      return result.requests / result.seconds;
    },
  };
}

function cellText(cells: readonly Cell[]): string {
  const of = (field: keyof Cell) => Math.round(median(cells.map((cell) => cell[field])));
  return `${of('requestsPerSecond')} · ${of('p50Micros')} · ${of('p99Micros')} · ${of('cpuMicros')}`;
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const modelFile = join(directory, 'bare.onnx');
  const repository = join(directory, 'models');
  writeFileSync(modelFile, addSubModel());
  writeModel(repository, 'simple', ADD_SUB_CONFIG, addSubModel());
  const rows: Row[] = [];
  try {
    for (const pinned of [true, false]) {
      const nereid = await nereidServer(repository, pinned);
      const bare = await startBenchServer({
        args: [fileURLToPath(new URL('../lib/bare-server.ts', import.meta.url)), modelFile],
        portPattern: /listening at 127\.0\.0\.1:(\d+)/,
        pinned,
      });
      try {
        for (const [format, request] of [['JSON', jsonRequest()] as const, ['binary', binaryRequest()] as const]) {
          for (const connections of CONNECTIONS) {
            log(`${pinned ? 'pinned' : 'free'}, ${format}, ${connections} connections`);
            const cells = new Map<string, Cell[]>();
            const result = await alternate(
              contender('nereid', nereid, request, connections, cells),
              contender('bare', bare, request, connections, cells),
              ROUNDS,
            );
            rows.push({
              cells: [
                pinned ? 'pinned' : 'free',
                format,
                connections,
                cellText(cells.get('nereid')!),
                cellText(cells.get('bare')!),
                ratioText(result.ratio),
              ],
            });
          }
        }
      } finally {
        await nereid.stop();
        await bare.stop();
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    title: 'Add/sub over HTTP against a bare `node:http` handler that calls the same session (aim ≥ 0.9)',
    columns: [
      'cores',
      'format',
      'connections',
      'nereid: req/s · p50 µs · p99 µs · CPU µs/req',
      'bare: the same',
      'ratio of req/s, median [min–max]',
    ],
    rows,
    notes: ['pinned: server on one core, load on the other. free: both on both.'],
  };
}

export const benchmark: Benchmark = { name: 'http/tiny', run };
