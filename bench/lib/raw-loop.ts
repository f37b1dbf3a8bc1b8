/**
 * The limit of the ensemble benchmark: one process that decodes, resizes, normalises and calls ONNX Runtime in a loop, with the engine's own parts and
 * no server. `node raw-loop.ts MODEL.onnx PICTURE`; a line with a number of seconds on standard input is answered with images per second.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { OnnxRuntime } from '@nereid/engine';
import { ImageDecoder, ImageKernels, normalizeRgb, planAxis, resample } from '@nereid/engine/image';

const SIZE = 299;
const MEAN = [123.675, 116.28, 103.53];
const INVERSE_STD = [58.395, 57.12, 57.375].map((std) => Math.fround(1 / Math.fround(std)));

const runtime = new OnnxRuntime();
const session = await runtime.load(process.argv[2] ?? '');
const picture = readFileSync(process.argv[3] ?? '');
const kernels = new ImageKernels();
const decoder = new ImageDecoder(kernels);

async function classify(): Promise<void> {
  const decoded = await decoder.decode(picture, { format: 'RGB', adjustOrientation: true });
  const source = { ...decoded, type: 'UINT8' as const };
  const plan = (sourceSize: number) =>
    planAxis({
      sourceSize,
      outputSize: SIZE,
      lo: 0,
      hi: sourceSize,
      minFilter: 'LINEAR',
      magFilter: 'LINEAR',
      antialias: true,
    });
  const resized = resample(kernels, source, plan(decoded.height), plan(decoded.width), 'UINT8');
  kernels.free(decoded.address);
  const window = { top: 0, left: 0, height: SIZE, width: SIZE };
  const normalised = normalizeRgb(kernels, resized, window, MEAN, INVERSE_STD, 'HWC');
  kernels.free(resized.address);
  const data = kernels.bytes(normalised, SIZE * SIZE * 12);
  await session.runAsync([{ input: 0, dataType: 'FP32', shape: [1, SIZE, SIZE, 3], data }]).result;
  kernels.free(normalised);
}

process.stdout.write('ready 0\n');
for await (const line of createInterface({ input: process.stdin })) {
  const endMs = performance.now() + Number(line) * 1000;
  const start = performance.now();
  let images = 0;
  while (performance.now() < endMs) {
    await classify();
    images += 1;
  }
  process.stdout.write(`${(images / (performance.now() - start)) * 1000}\n`);
}
