import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainConfig, identityConfig, identityModel, writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import { type BenchServer, postRequest, runLoad } from '../lib/process.ts';
import type { Benchmark, BenchReport, Row } from '../lib/report.ts';
import { median } from '../lib/rounds.ts';

const STEPS = [1, 3, 6, 10];
/** FP32 elements a row: 64 B and 1 MB tensors. A copy of the large one in every step would show as 100 µs and more. */
const WIDTHS = [16, 262_144];
const ROUNDS = 5;
const MEASURE_MS = 2_000;

function rawRequest(model: string, width: number): string {
  return postRequest(
    `/v2/models/${model}/infer`,
    { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': '0' },
    new Uint8Array(width * 4),
  );
}

/** CPU of the server per request, in microseconds. */
async function cpuPerRequest(server: BenchServer, requestBase64: string): Promise<number> {
  // The counter ticks every 10 ms: warm-up and window are counted together so that no answer falls between two readings.
  const before = server.cpuMicros();
  const result = await runLoad({
    port: server.port,
    requestBase64,
    connections: 1,
    warmUpMs: 0,
    measureMs: MEASURE_MS,
  });
  if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
  return (server.cpuMicros() - before) / result.requests;
}

/** Slope of the least-squares line through (steps, CPU): what one more step costs. */
function slope(points: readonly (readonly [number, number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const rows: Row[] = [];
  for (const width of WIDTHS) {
    const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
    writeModel(directory, 'identity', identityConfig(width), identityModel(width));
    for (const steps of STEPS) {
      const name = `chain_${steps}`;
      writeModel(directory, name, chainConfig(name, steps, width), undefined);
    }
    const server = await nereidServer(directory, true);
    try {
      const cpu = new Map<number, number[]>(STEPS.map((steps) => [steps, []]));
      for (const steps of STEPS) await cpuPerRequest(server, rawRequest(`chain_${steps}`, width));
      for (let round = 0; round < ROUNDS; round += 1) {
        log(`${width * 4} bytes, round ${round + 1} of ${ROUNDS}`);
        for (const steps of round % 2 === 0 ? STEPS : STEPS.toReversed()) {
          cpu.get(steps)!.push(await cpuPerRequest(server, rawRequest(`chain_${steps}`, width)));
        }
      }
      const medians = STEPS.map((steps) => [steps, median(cpu.get(steps)!)] as const);
      rows.push({ cells: [width * 4, ...medians.map(([, value]) => value.toFixed(0)), slope(medians).toFixed(1)] });
    } finally {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return {
    title:
      'CPU of a chain of identity steps in an ensemble, µs per request (aim ≤ 20 µs a further step, 0 bytes copied)',
    columns: ['tensor bytes', ...STEPS.map((steps) => `${steps} steps`), 'µs a further step'],
    rows,
    notes: [
      'A step here is a whole request to an ONNX model: the figure holds scheduling, statistics and the call of ONNX Runtime, whose Identity copies its input (that memcpy is the model, not the ensemble).',
    ],
  };
}

export const benchmark: Benchmark = { name: 'ensemble/step-overhead', run };
