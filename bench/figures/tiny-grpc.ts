import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODEL_INFER_PATH, modelInferRequest } from '../lib/grpc-requests.ts';
import { cpuRatio, LOAD_CELL, loadCellText, loadContender } from '../lib/load-cells.ts';
import { ADD_SUB_CONFIG, addSubModel, writeModel } from '../lib/models.ts';
import { nereidGrpcServer } from '../lib/nereid-server.ts';
import { type BenchServer, runGrpcLoad, startBenchServer } from '../lib/process.ts';
import type { Benchmark, BenchReport, Row } from '../lib/report.ts';
import { ratioText } from '../lib/report.ts';
import { alternate } from '../lib/rounds.ts';

/** Connections, and calls under way on each. */
const LOADS: readonly (readonly [number, number])[] = [
  [1, 1],
  [8, 1],
  [32, 1],
  [1, 32],
];
const ROUNDS = 5;
const TIMES = { warmUpMs: 500, measureMs: 2_000 };
/** Per server before the first cell: V8 goes on compiling for tens of thousands of requests. */
const SETTLING = { connections: 1, streams: 32, warmUpMs: 0, measureMs: 4_000 };

function addSubRequest(): string {
  const data = new Uint8Array(Int32Array.from({ length: 16 }, (_, index) => index).buffer);
  const input = (name: string) => ({ name, dataType: 'INT32', shape: [1, 16], data });
  return modelInferRequest('simple', [input('INPUT0'), input('INPUT1')]);
}

function script(name: string, ...args: readonly string[]): Promise<BenchServer> {
  return startBenchServer({
    args: [fileURLToPath(new URL(`../lib/${name}`, import.meta.url)), ...args],
    portPattern: /listening at 127\.0\.0\.1:(\d+)/,
    pinned: true,
  });
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const modelFile = join(directory, 'bare.onnx');
  const repository = join(directory, 'models');
  writeFileSync(modelFile, addSubModel());
  writeModel(repository, 'simple', ADD_SUB_CONFIG, addSubModel());
  const bodyBase64 = addSubRequest();
  const servers: BenchServer[] = [];
  const started = async (server: Promise<BenchServer>): Promise<BenchServer> => {
    servers.push(await server);
    return server;
  };
  const rows: Row[] = [];
  try {
    const nereid = await started(nereidGrpcServer(repository, true));
    const bare = await started(script('bare-grpc-server.ts', modelFile));
    const grpcJs = await started(script('grpc-js-echo.ts'));
    for (const { port } of servers) {
      await runGrpcLoad({ port, path: MODEL_INFER_PATH, bodyBase64, ...SETTLING });
    }
    for (const [connections, streams] of LOADS) {
      log(`${connections} connections of ${streams} calls`);
      const against = (name: string, server: BenchServer) =>
        loadContender(name, server, TIMES, () =>
          runGrpcLoad({ port: server.port, path: MODEL_INFER_PATH, bodyBase64, connections, streams, ...TIMES }),
        );
      const [first, second, third] = [against('nereid', nereid), against('bare', bare), against('grpc-js', grpcJs)];
      const { ratio } = await alternate(first, second, ROUNDS);
      await third.measure();
      rows.push({
        cells: [
          `${connections} × ${streams}`,
          loadCellText(first.cells),
          loadCellText(second.cells),
          loadCellText(third.cells),
          ratioText(ratio),
          ratioText(cpuRatio(first.cells, second.cells)),
        ],
      });
    }
  } finally {
    for (const server of servers) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    title: 'Add/sub over gRPC against a bare `node:http2` handler that calls the same session (aim ≥ 0.8)',
    columns: [
      'connections × calls',
      `nereid: ${LOAD_CELL}`,
      'bare: the same',
      "grpc-js's echo: the same",
      'ratio of req/s, median [min–max]',
      'bare CPU over ours',
    ],
    rows,
    notes: ['Servers on one core, load on the other. The echo runs no model and is measured once.'],
  };
}

export const benchmark: Benchmark = { name: 'grpc/tiny', run };
