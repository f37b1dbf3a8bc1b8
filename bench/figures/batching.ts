import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLineProcess } from '../lib/line-process.ts';
import { batchModelConfig, convolutionModel, perceptronModel, writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import { type BenchServer, postRequest, runLoad } from '../lib/process.ts';
import { type Benchmark, type BenchReport, type Row, ratioText } from '../lib/report.ts';
import { alternate, median } from '../lib/rounds.ts';

const CLIENTS = 64;
const BATCH = 32;
const ROUNDS = 5;
const WARM_UP_MS = 500;
const MEASURE_MS = 2_000;
const DELAYS_MICROS = [500, 2_000];
const SAMPLES = 1_024;
const WIDTH = 2_048;
const LAYERS = 4;

interface Subject {
  readonly name: string;
  readonly model: Uint8Array;
  /** Dims of an item. */
  readonly item: readonly number[];
  readonly output: readonly number[];
}

const subjects = (): readonly Subject[] => [
  { name: 'mlp', model: perceptronModel(WIDTH, LAYERS), item: [WIDTH], output: [WIDTH] },
  { name: 'cnn', model: convolutionModel(SAMPLES), item: [1, SAMPLES], output: [128] },
];

function rawRequest(model: string, { item }: Subject): string {
  const byteSize = 4 * item.reduce((product, dim) => product * dim, 1);
  const header = JSON.stringify({
    inputs: [{ name: 'INPUT', datatype: 'FP32', shape: [1, ...item], parameters: { binary_data_size: byteSize } }],
    parameters: { binary_data_output: true },
  });
  return postRequest(
    `/v2/models/${model}/infer`,
    { 'Inference-Header-Content-Length': String(header.length) },
    Buffer.concat([Buffer.from(header), new Uint8Array(byteSize)]),
  );
}

async function load(server: BenchServer, requestBase64: string, connections: number) {
  const task = { port: server.port, requestBase64, connections, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
  const cpuBefore = server.cpuMicros();
  const result = await runLoad(task, false);
  if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
  // The CPU time covers the warm-up as well.
  const requests = result.requests * ((WARM_UP_MS + MEASURE_MS) / MEASURE_MS);
  const cpuMicros = (server.cpuMicros() - cpuBefore) / requests;
  return { perSecond: result.requests / result.seconds, p50Micros: result.p50Micros, cpuMicros };
}

async function measureSubject(subject: Subject, directory: string, log: (line: string) => void): Promise<Row> {
  const { name, model, item, output } = subject;
  const repository = join(directory, name);
  const plain = { name: 'plain', item, output, batching: '' };
  const batched = { name: 'batched', item, output, batching: 'dynamic_batching { }' };
  const delayed = DELAYS_MICROS.map((delay) => {
    return {
      name: `delay_${delay}`,
      item,
      output,
      batching: `dynamic_batching { max_queue_delay_microseconds: ${delay} }`,
    };
  });
  for (const each of [plain, batched, ...delayed])
    writeModel(repository, each.name, batchModelConfig(each, BATCH), model);
  const file = join(directory, `${name}.onnx`);
  writeFileSync(file, model);
  const raw = await startLineProcess([
    fileURLToPath(new URL('../lib/raw-batch-loop.ts', import.meta.url)),
    file,
    item.join(),
  ]);
  const server = await nereidServer(repository, false);
  try {
    const cpuMicros = new Map<string, number[]>([
      ['plain', []],
      ['batched', []],
    ]);
    const served = (model: string) => ({
      name: model,
      measure: async () => {
        const result = await load(server, rawRequest(model, subject), CLIENTS);
        cpuMicros.get(model)!.push(result.cpuMicros);
        return result.perSecond;
      },
    });
    log(`${name}: batching against none, ${CLIENTS} clients`);
    const gain = await alternate(served('batched'), served('plain'), ROUNDS);
    log(`${name}: batching against a loop at batch ${BATCH}`);
    const rawLoop = { name: 'raw', measure: async () => Number(await raw.ask(`${BATCH} ${MEASURE_MS / 1000}`)) };
    const limit = await alternate(served('batched'), rawLoop, ROUNDS);
    const single = { name: 'single', measure: async () => Number(await raw.ask(`1 ${MEASURE_MS / 1000}`)) };
    const possible = await alternate(rawLoop, single, ROUNDS);
    const added: string[] = [];
    for (const { name: model } of delayed) {
      log(`${name}: ${model}, one client`);
      const differences: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const without = await load(server, rawRequest('plain', subject), 1);
        differences.push((await load(server, rawRequest(model, subject), 1)).p50Micros - without.p50Micros);
      }
      added.push(median(differences).toFixed(0));
    }
    return {
      cells: [
        name,
        gain.medians.get('plain')!.toFixed(0),
        gain.medians.get('batched')!.toFixed(0),
        ratioText(gain.ratio),
        ['plain', 'batched'].map((model) => median(cpuMicros.get(model)!).toFixed(0)).join(' → '),
        limit.medians.get('raw')!.toFixed(0),
        ratioText(limit.ratio),
        ratioText(possible.ratio),
        ...added,
      ],
    };
  } finally {
    raw.stop();
    await server.stop();
  }
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  try {
    const rows: Row[] = [];
    for (const subject of subjects()) rows.push(await measureSubject(subject, directory, log));
    return {
      title: `Dynamic batching at ${CLIENTS} clients, infer/s (aims: ≥ 3 × no batching, ≥ 0.8 of a loop at batch ${BATCH}; added p50 ≤ the delay)`,
      columns: [
        'model',
        'no batching',
        'batching',
        'gain, median [min–max]',
        'server CPU µs per inference, without → with',
        `raw loop, batch ${BATCH}`,
        'of raw loop, median [min–max]',
        `raw loop: batch ${BATCH} over batch 1`,
        ...DELAYS_MICROS.map((delay) => `p50 added at 1 client by a delay of ${delay} µs`),
      ],
      rows,
      notes: [
        `mlp: ${LAYERS} layers of ${WIDTH} × ${WIDTH}; cnn: three 1-D convolutions over ${SAMPLES} samples. FP32, binary tensors over HTTP.`,
        'What batching can gain at all is the last ratio but for the cost of a request: convolutions of ONNX Runtime go image by image, so a batch saves them little.',
        'Server, load and loop use every core. The loop has no client beside it: what the load generator takes is missing in the ratio.',
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = { name: 'batching/gain', run };
