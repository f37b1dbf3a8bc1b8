import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ImageError } from '../image-error.ts';
import { planAxis, type ResampleFilter } from './axis-plan.ts';
import { ImageKernels } from './image-kernels.ts';
import { type PlainImage, resampleReference } from './reference.ts';
import { type PixelType, resample } from './resample.ts';

const FILTERS: readonly ResampleFilter[] = ['NN', 'LINEAR', 'TRIANGULAR', 'CUBIC', 'LANCZOS3', 'GAUSSIAN'];

interface Shape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Pixels that look random and are the same each time. */
function picture({ height, width, channels }: Shape, type: PixelType): PlainImage {
  const length = height * width * channels;
  const data = type === 'UINT8' ? new Uint8Array(length) : new Float32Array(length);
  let state = length + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = type === 'UINT8' ? state >>> 24 : state / 2 ** 24;
  }
  return { data, height, width, channels };
}

function resampleInKernels(
  kernels: ImageKernels,
  image: PlainImage,
  rows: Parameters<typeof resample>[2],
  columns: Parameters<typeof resample>[3],
  type: PixelType,
) {
  const from = image.data instanceof Uint8Array ? 'UINT8' : 'FLOAT';
  const address = kernels.allocate(image.data.byteLength);
  kernels.bytes(address, image.data.byteLength).set(new Uint8Array(image.data.buffer));
  const result = resample(kernels, { ...image, address, type: from }, rows, columns, type);
  const bytes = kernels
    .bytes(result.address, result.height * result.width * result.channels * (type === 'UINT8' ? 1 : 4))
    .slice();
  kernels.free(address);
  kernels.free(result.address);
  return { ...result, bytes };
}

test('the SIMD kernels give the same bits as the plain code', () => {
  const kernels = new ImageKernels();
  const extent = fc.integer({ min: 1, max: 50 });
  const type = fc.constantFrom<PixelType>('UINT8', 'FLOAT');
  fc.assert(
    fc.property(
      fc.record({ height: extent, width: extent, channels: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ height: extent, width: extent }),
      fc.constantFrom(...FILTERS),
      fc.tuple(type, type),
      fc.constantFrom([0, 1], [1, 0], [0.2, 0.7], [-0.3, 1.2]),
      (source, target, filter, [from, to], [lo, hi]) => {
        const image = picture(source, from);
        const plan = (sourceSize: number, outputSize: number) =>
          planAxis({
            sourceSize,
            outputSize,
            lo: lo! * sourceSize,
            hi: hi! * sourceSize,
            minFilter: filter,
            magFilter: filter,
            antialias: true,
          });
        const rows = plan(source.height, target.height);
        const columns = plan(source.width, target.width);
        const result = resampleInKernels(kernels, image, rows, columns, to);
        const expected = resampleReference(image, rows, columns, to);
        assert.deepEqual(
          [result.height, result.width, result.channels],
          [target.height, target.width, source.channels],
        );
        assert.deepEqual(result.bytes, new Uint8Array(expected.data.buffer));
      },
    ),
    { numRuns: 150 },
  );
});

/** The definition, without passes or tables: weights of a triangle as wide as the reduction, in double precision. */
function shrinkByDefinition(image: PlainImage, height: number, width: number): number[] {
  const weightsOf = (source: number, output: number, i: number): number[] => {
    const radius = Math.max(source / output, 1);
    const centre = ((i + 0.5) * source) / output - 0.5;
    const weights = new Array<number>(source).fill(0);
    for (let at = Math.ceil(centre - radius); at <= centre + radius; at++) {
      const clamped = Math.min(Math.max(at, 0), source - 1);
      weights[clamped]! += Math.max(0, 1 - Math.abs(at - centre) / radius);
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
  const result: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [rows, columns] = [weightsOf(image.height, height, y), weightsOf(image.width, width, x)];
      for (let c = 0; c < image.channels; c++) {
        let sum = 0;
        for (let v = 0; v < image.height; v++) {
          for (let u = 0; u < image.width; u++)
            sum += rows[v]! * columns[u]! * image.data[(v * image.width + u) * image.channels + c]!;
        }
        result.push(sum);
      }
    }
  }
  return result;
}

test('shrinking and enlarging follow the definition of the filter, within one level', () => {
  const kernels = new ImageKernels();
  for (const [source, height, width] of [
    [{ height: 31, width: 43, channels: 3 }, 7, 10],
    [{ height: 20, width: 9, channels: 1 }, 33, 4],
    [{ height: 5, width: 6, channels: 4 }, 11, 13],
  ] as const) {
    const image = picture(source, 'UINT8');
    const plan = (sourceSize: number, outputSize: number) =>
      planAxis({
        sourceSize,
        outputSize,
        lo: 0,
        hi: sourceSize,
        minFilter: 'LINEAR',
        magFilter: 'LINEAR',
        antialias: true,
      });
    const { bytes } = resampleInKernels(
      kernels,
      image,
      plan(source.height, height),
      plan(source.width, width),
      'UINT8',
    );
    shrinkByDefinition(image, height, width).forEach((exact, i) => {
      assert.ok(Math.abs(bytes[i]! - exact) <= 0.501, `element ${i}: ${bytes[i]} for ${exact}`);
    });
  }
});

test('memory has a bound, and is given back after a large picture', () => {
  const kernels = new ImageKernels({ maxBytes: 8 * 2 ** 20, keepBytes: 2 ** 20 });
  assert.throws(
    () => kernels.allocate(9 * 2 ** 20),
    (error) => error instanceof ImageError && error.code === 'limit',
  );
  const address = kernels.allocate(6 * 2 ** 20);
  kernels.trim();
  assert.ok(kernels.byteLength > 6 * 2 ** 20, 'not while something is allocated');
  kernels.free(address);
  kernels.trim();
  assert.ok(kernels.byteLength <= 2 ** 20);
});
