import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type DecodedImage,
  ImageDecoder,
  ImageKernels,
  normalizeRgb,
  planAxis,
  type ResampleFilter,
  resample,
} from '@nereid/engine/image';
import { inspectPipeline, readPipeline, writePipeline } from '@nereid/server/dali';
import { type Npy, readNpy } from './npy.ts';
import type { Outcome } from './transcripts-types.ts';

/**
 * Checks this server's image pipeline against goldens made with DALI, PIL, OpenCV and ONNX: decoded JPEG files bit by bit, resized pictures within one level,
 * normalised values within 1e-6, `.dali` files read, written back to the same bytes and compiled.
 * `node test/conformance/dali.ts DIR` prints a report.
 */
export async function runDaliConformance(directory: string, only?: RegExp): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const check = async (
    file: string,
    name: string,
    run: () => string | undefined | Promise<string | undefined>,
  ): Promise<void> => {
    if (only !== undefined && !only.test(`${file}: ${name}`)) return;
    try {
      const failure = await run();
      outcomes.push(
        failure === undefined ? { file, name, verdict: 'passed' } : { file, name, verdict: 'failed', detail: failure },
      );
    } catch (error) {
      outcomes.push({ file, name, verdict: 'failed', detail: error instanceof Error ? error.message : String(error) });
    }
  };
  for (const file of readdirSync(directory).sort()) {
    const path = join(directory, file);
    if (file.endsWith('.dali'))
      await check(file, 'read, written back, compiled', () => checkPipeline(readFileSync(path)));
    if (file.endsWith('.jpg')) await checkPhoto(path, check);
    if (/^checkerboard_\w+\.npy$/.test(file))
      await check(file, 'resampled checkerboard within one level', () =>
        checkCheckerboard(file, readNpy(readFileSync(path))),
      );
    if (file === 'alley_tri_300x300.png') {
      outcomes.push({
        file,
        name: 'resampled photograph',
        verdict: 'left-out',
        detail: 'its source picture is not in the folder',
      });
    }
  }
  return outcomes;
}

/** A folder with serialised pipelines. */
export function isDaliDirectory(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((file) => file.endsWith('.dali'));
}

type Check = (file: string, name: string, run: () => string | undefined | Promise<string | undefined>) => Promise<void>;

function checkPipeline(bytes: Uint8Array): string | undefined {
  const { operators, inputs } = inspectPipeline(bytes);
  if (inputs.length === 0) return `no inputs among ${operators.length} operators`;
  return Buffer.compare(writePipeline(readPipeline(bytes)), bytes) === 0 ? undefined : 'written back to other bytes';
}

async function checkPhoto(path: string, check: Check): Promise<void> {
  const file = basename(path);
  const bytes = readFileSync(path);
  const golden = path.replace(/\.jpg$/, '.npy');
  for (const [decoder, libraries] of [
    ['system libturbojpeg or sharp', undefined],
    ['sharp', []],
  ] as const) {
    if (existsSync(golden))
      await check(file, `decoded by ${decoder}: equal to the golden`, () =>
        compareGolden(bytes, readNpy(readFileSync(golden)), libraries),
      );
  }
  await check(file, 'both decoders agree', async () => {
    const [left, right] = [await decode(bytes, undefined), await decode(bytes, [])];
    return Buffer.compare(left.pixels, right.pixels) === 0 ? undefined : 'they differ';
  });
  for (const [height, width] of [
    [299, 299],
    [224, 224],
    [640, 640],
    [1500, 1300],
  ] as const) {
    await check(file, `resized to ${width}x${height} within one level of the definition`, () =>
      checkResize(bytes, height, width),
    );
  }
  await check(file, 'normalised within 1e-6', () => checkNormalise(bytes));
}

async function decode(
  bytes: Uint8Array,
  libraries: readonly string[] | undefined,
): Promise<{ kernels: ImageKernels; image: DecodedImage; pixels: Uint8Array }> {
  const kernels = new ImageKernels();
  const decoder = new ImageDecoder(kernels, libraries === undefined ? {} : { turboJpegLibraries: libraries });
  const image = await decoder.decode(bytes, { format: 'RGB', adjustOrientation: true });
  return { kernels, image, pixels: kernels.bytes(image.address, image.height * image.width * image.channels).slice() };
}

async function compareGolden(
  bytes: Uint8Array,
  golden: Npy,
  libraries: readonly string[] | undefined,
): Promise<string | undefined> {
  const { image, pixels } = await decode(bytes, libraries);
  const shape = [image.height, image.width, image.channels];
  if (shape.join() !== golden.shape.join()) return `shape (${shape}) instead of (${golden.shape})`;
  const differing = golden.values.reduce((count, value, i) => count + (value === pixels[i] ? 0 : 1), 0);
  return differing === 0 ? undefined : `${differing} of ${pixels.length} bytes differ`;
}

const linear = (sourceSize: number, outputSize: number) =>
  planAxis({
    sourceSize,
    outputSize,
    lo: 0,
    hi: sourceSize,
    minFilter: 'LINEAR',
    magFilter: 'LINEAR',
    antialias: true,
  });

async function checkResize(bytes: Uint8Array, height: number, width: number): Promise<string | undefined> {
  const { kernels, image, pixels } = await decode(bytes, undefined);
  const resized = resample(
    kernels,
    { ...image, type: 'UINT8' },
    linear(image.height, height),
    linear(image.width, width),
    'UINT8',
  );
  const actual = kernels.bytes(resized.address, height * width * 3);
  const exact = resizeByDefinition(pixels, image.height, image.width, height, width);
  let worst = 0;
  for (let i = 0; i < exact.length; i++) worst = Math.max(worst, Math.abs(exact[i]! - actual[i]!));
  return worst <= 1 ? undefined : `off by ${worst.toFixed(3)} levels`;
}

/** A triangle filter as wide as the reduction, half-pixel centres, edges repeated; in double precision, rows first. */
function resizeByDefinition(
  pixels: Uint8Array,
  sourceHeight: number,
  sourceWidth: number,
  height: number,
  width: number,
): Float64Array {
  const [rows, columns] = [triangleWeights(sourceHeight, height), triangleWeights(sourceWidth, width)];
  const stride = sourceWidth * 3;
  const rowsDone = new Float64Array(height * stride);
  rows.forEach((taps, y) => {
    for (const { at, weight } of taps)
      for (let i = 0; i < stride; i++) rowsDone[y * stride + i]! += weight * pixels[at * stride + i]!;
  });
  const result = new Float64Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    columns.forEach((taps, x) => {
      for (const { at, weight } of taps)
        for (let c = 0; c < 3; c++) result[(y * width + x) * 3 + c]! += weight * rowsDone[y * stride + at * 3 + c]!;
    });
  }
  return result;
}

function triangleWeights(sourceSize: number, outputSize: number): { at: number; weight: number }[][] {
  const scale = sourceSize / outputSize;
  const radius = Math.max(scale, 1);
  return Array.from({ length: outputSize }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const taps: { at: number; weight: number }[] = [];
    for (let at = Math.ceil(centre - radius); at <= centre + radius; at++) {
      taps.push({
        at: Math.min(Math.max(at, 0), sourceSize - 1),
        weight: Math.max(0, 1 - Math.abs(at - centre) / radius),
      });
    }
    const sum = taps.reduce((total, tap) => total + tap.weight, 0);
    return taps.map(({ at, weight }) => ({ at, weight: weight / sum }));
  });
}

const MEAN = [123.675, 116.28, 103.53];
const STD = [58.395, 57.12, 57.375];

async function checkNormalise(bytes: Uint8Array): Promise<string | undefined> {
  const { kernels, image, pixels } = await decode(bytes, undefined);
  const { height, width } = image;
  let worst = 0;
  for (const layout of ['HWC', 'CHW'] as const) {
    const window = { top: 0, left: 0, height, width };
    const inverse = STD.map((std) => Math.fround(1 / Math.fround(std)));
    const address = normalizeRgb(kernels, { ...image, type: 'UINT8' }, window, MEAN.map(Math.fround), inverse, layout);
    const values = new Float32Array(kernels.bytes(address, height * width * 12).buffer, address, height * width * 3);
    for (let i = 0; i < pixels.length; i++) {
      const channel = i % 3;
      const exact = (pixels[i]! - MEAN[channel]!) / STD[channel]!;
      const at = layout === 'HWC' ? i : channel * height * width + Math.floor(i / 3);
      worst = Math.max(worst, Math.abs(values[at]! - exact) / Math.max(Math.abs(exact), 1));
    }
    kernels.free(address);
  }
  return worst <= 1e-6 ? undefined : `off by ${worst.toExponential(2)}`;
}

/** Goldens made with ONNX's reference resize from a 22x22 checkerboard of 2x2 squares; names say filter and size. */
function checkCheckerboard(file: string, golden: Npy): string | undefined {
  const [, filterName, antialias] = /^checkerboard_(linear|cubic)(_antialias)?_/.exec(file) ?? [];
  if (filterName === undefined) return `no filter is known by the name of ${file}`;
  const size = 22;
  const [height, width] = golden.shape as [number, number];
  const board = Float32Array.from({ length: size * size }, (_, i) =>
    (((i % size) >> 1) + (Math.floor(i / size) >> 1)) % 2 === 0 ? 255 : 0,
  );
  const kernels = new ImageKernels();
  const address = kernels.allocate(board.byteLength);
  kernels.bytes(address, board.byteLength).set(new Uint8Array(board.buffer));
  const filter = filterName.toUpperCase() as ResampleFilter;
  const plan = (outputSize: number) =>
    planAxis({
      sourceSize: size,
      outputSize,
      lo: 0,
      hi: size,
      minFilter: filter,
      magFilter: filter,
      antialias: antialias !== undefined,
    });
  const resized = resample(
    kernels,
    { address, height: size, width: size, channels: 1, type: 'FLOAT' },
    plan(height),
    plan(width),
    'FLOAT',
  );
  const values = new Float32Array(kernels.bytes(resized.address, height * width * 4).slice().buffer);
  const worst = golden.values.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
  return worst <= 1 ? undefined : `off by ${worst.toFixed(4)} of 255`;
}

if (import.meta.main) {
  const outcomes = await runDaliConformance(process.argv[2] ?? '.');
  for (const { file, name, verdict, detail } of outcomes)
    process.stdout.write(`${verdict.padEnd(9)} ${file}: ${name}${detail === undefined ? '' : ` - ${detail}`}\n`);
  process.exitCode = outcomes.some((outcome) => outcome.verdict === 'failed') ? 1 : 0;
}
