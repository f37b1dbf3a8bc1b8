import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuRatio, LOAD_CELL, loadCellText, loadContender } from '../lib/load-cells.ts';
import { ADD_SUB_CONFIG, addSubModel, writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import { type BenchServer, postRequest, runLoad, startBenchServer } from '../lib/process.ts';
import type { Benchmark, BenchReport, Row } from '../lib/report.ts';
import { ratioText } from '../lib/report.ts';
import { alternate } from '../lib/rounds.ts';

const CONNECTIONS = [1, 8, 32];
const ROUNDS = 5;
const TIMES = { warmUpMs: 500, measureMs: 2_000 };
/** Per server and format before the first cell: V8 goes on compiling for tens of thousands of requests. */
const SETTLING = { connections: 8, warmUpMs: 0, measureMs: 3_000 };

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
        for (const requestBase64 of [jsonRequest(), binaryRequest()]) {
          for (const { port } of [nereid, bare]) {
            await runLoad({ port, requestBase64, ...SETTLING });
          }
        }
        for (const [format, request] of [['JSON', jsonRequest()] as const, ['binary', binaryRequest()] as const]) {
          for (const connections of CONNECTIONS) {
            log(`${pinned ? 'pinned' : 'free'}, ${format}, ${connections} connections`);
            const against = (name: string, server: BenchServer) =>
              loadContender(name, server, TIMES, () =>
                runLoad({ port: server.port, requestBase64: request, connections, ...TIMES }),
              );
            const [first, second] = [against('nereid', nereid), against('bare', bare)];
            const { ratio } = await alternate(first, second, ROUNDS);
            rows.push({
              cells: [
                pinned ? 'pinned' : 'free',
                format,
                connections,
                loadCellText(first.cells),
                loadCellText(second.cells),
                ratioText(ratio),
                ratioText(cpuRatio(first.cells, second.cells)),
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
      `nereid: ${LOAD_CELL}`,
      'bare: the same',
      'ratio of req/s, median [min–max]',
      'bare CPU over ours',
    ],
    rows,
    notes: ['pinned: server on one core, load on the other. free: both on both.'],
  };
}

export const benchmark: Benchmark = { name: 'http/tiny', run };
