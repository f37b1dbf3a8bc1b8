/**
 * CPU per picture of the image kernels, part by part and together: decode, resize to 299x299, normalise, copy out.
 *
 *     node bench/image/run.ts [PICTURE.jpg ...]
 *
 * Without pictures, the photograph of quickstart is used (downloaded once). The floor is libjpeg-turbo's own time for the decode.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ImageDecoder, ImageKernels, normalizeRgb, planAxis, resample } from '@nereid/engine/image';
import { articlePhotograph } from '../lib/article.ts';
import { median } from '../lib/rounds.ts';

const SIZE = 299;
const ROUNDS = 40;
const WARM_UP = 10;
const MEAN = [123.675, 116.28, 103.53];
const INVERSE = [58.395, 57.12, 57.375].map((std) => Math.fround(1 / std));

async function report(what: string, work: () => unknown): Promise<void> {
  for (let i = 0; i < WARM_UP; i++) await work();
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000 / ROUNDS;
  const columns = [
    `cpu ${cpuMs.toFixed(2)}`,
    `min ${Math.min(...times).toFixed(2)}`,
    `median ${median(times).toFixed(2)} ms`,
  ];
  process.stdout.write(`  ${what.padEnd(24)} ${columns.join('  ')}\n`);
}

async function benchPicture(name: string, bytes: Uint8Array): Promise<void> {
  process.stdout.write(`${name} (${bytes.length} bytes)\n`);
  const kernels = new ImageKernels();
  const options = { format: 'RGB', adjustOrientation: true } as const;
  const decoders = [new ImageDecoder(kernels), new ImageDecoder(kernels, { turboJpegLibraries: [] })];
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
  const window = { top: 0, left: 0, height: SIZE, width: SIZE };
  for (const decoder of decoders) {
    const label = decoder.usesTurboJpeg ? 'libturbojpeg' : 'sharp';
    await report(`decode, ${label}`, async () => kernels.free((await decoder.decode(bytes, options)).address));
  }
  const image = { ...(await decoders[0]!.decode(bytes, options)), type: 'UINT8' as const };
  const resize = (source: typeof image) => resample(kernels, source, plan(source.height), plan(source.width), 'UINT8');
  await report('resize', () => kernels.free(resize(image).address));
  const resized = resize(image);
  await report('normalise', () => kernels.free(normalizeRgb(kernels, resized, window, MEAN, INVERSE, 'HWC')));
  for (const decoder of decoders) {
    await report(`all, ${decoder.usesTurboJpeg ? 'libturbojpeg' : 'sharp'}`, async () => {
      const decoded = { ...(await decoder.decode(bytes, options)), type: 'UINT8' as const };
      const small = resize(decoded);
      const normalised = normalizeRgb(kernels, small, window, MEAN, INVERSE, 'HWC');
      const result = kernels.bytes(normalised, SIZE * SIZE * 12).slice();
      for (const { address } of [decoded, small, { address: normalised }]) kernels.free(address);
      return result;
    });
  }
}

const paths = process.argv.slice(2);
if (paths.length === 0) await benchPicture('photograph of quickstart', await articlePhotograph());
for (const path of paths) await benchPicture(basename(path), await readFile(path));
