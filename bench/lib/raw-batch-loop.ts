/**
 * The limit of the batching benchmark: one process that runs a model at one batch size in a loop, with the engine and no server, on all threads of
 * ONNX Runtime. `node raw-batch-loop.ts MODEL.onnx SHAPE-OF-AN-ITEM`; a line `BATCH SECONDS` is answered with inferences per second.
 */
import { createInterface } from 'node:readline';
import { OnnxRuntime } from '@nereid/engine';

const [model = '', dims = ''] = process.argv.slice(2);
const item = dims.split(',').map(Number);
const session = await new OnnxRuntime().load(model);

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [batch = 1, seconds = 1] = line.split(' ').map(Number);
  const shape = [batch, ...item];
  const data = new Uint8Array(4 * shape.reduce((product, dim) => product * dim, 1));
  const input = [{ input: 0, dataType: 'FP32' as const, shape, data }];
  const startMs = performance.now();
  let runs = 0;
  for (; performance.now() < startMs + seconds * 1000; runs++) session.runSync(input);
  process.stdout.write(`${((runs * batch) / (performance.now() - startMs)) * 1000}\n`);
}
