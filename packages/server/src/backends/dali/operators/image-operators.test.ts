import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { count, runOne, runPipeline } from '../test-support/run-pipeline.ts';

/** A grey bitmap as an encoded file, small enough to follow by eye. */
const pgm = (width: number, height: number, pixels: readonly number[]): number[] => [
  ...Buffer.from(`P5 ${width} ${height} 255\n`),
  ...pixels,
];
const encoded = (file: readonly number[]) => ({ type: 'UINT8' as const, shape: [file.length], data: file });
const image = (height: number, width: number, channels: number) => ({
  type: 'UINT8' as const,
  shape: [height, width, channels],
  layout: 'HWC',
  data: count(height * width * channels),
});

test('a decoded picture is (height, width, channels)', async () => {
  const file = pgm(3, 2, [1, 2, 3, 4, 5, 6]);
  const rgb = await runOne(encoded(file), (fn, x) => fn.decoders.image(x));
  assert.deepEqual([rgb.type, rgb.shape], ['UINT8', [2, 3, 3]]);
  assert.deepEqual(rgb.data.slice(0, 6), [1, 1, 1, 2, 2, 2]);
  const gray = await runOne(encoded([...file, 0, 0, 0]), (fn, x) => fn.decoders.image(x, { outputType: 'GRAY' }));
  assert.deepEqual(
    [gray.shape, gray.data],
    [
      [2, 3, 1],
      [1, 2, 3, 4, 5, 6],
    ],
  );
});

test('other types span their range: floating point from 0 to 1', async () => {
  const file = encoded(pgm(2, 1, [0, 255]));
  assert.deepEqual(
    (await runOne(file, (fn, x) => fn.decoders.image(x, { outputType: 'GRAY', dtype: 'FLOAT' }))).data,
    [0, 1],
  );
  assert.deepEqual(
    (await runOne(file, (fn, x) => fn.decoders.image(x, { outputType: 'GRAY', dtype: 'UINT16' }))).data,
    [0, 65535],
  );
});

test('decoding can crop and slice', async () => {
  const file = encoded(pgm(4, 4, count(16)));
  const crop = await runOne(file, (fn, x) => fn.decoders.imageCrop(x, { outputType: 'GRAY', crop: [2, 2] }));
  assert.deepEqual(crop.data, [5, 6, 9, 10]);
  const slice = await runOne(file, (fn, x) =>
    fn.decoders.imageSlice(x, { outputType: 'GRAY', relStart: [0.5, 0], relShape: [0.5, 0.25] }),
  );
  assert.deepEqual(
    [slice.shape, slice.data],
    [
      [1, 2, 1],
      [2, 3],
    ],
  );
});

test('peek_image_shape reads the header only', async () => {
  const header = encoded([...Buffer.from('P6 7 5 255\n')]);
  assert.deepEqual(await runOne(header, (fn, x) => fn.peekImageShape(x)), {
    type: 'INT64',
    shape: [3],
    data: [5n, 7n, 3n],
  });
  assert.deepEqual(
    (await runOne(header, (fn, x) => fn.peekImageShape(x, { dtype: 'FLOAT', imageType: 'GRAY' }))).data,
    [5, 7, 1],
  );
});

test('what is no picture fails with operator, instance and reason', async () => {
  await assert.rejects(
    runOne(encoded([1, 2, 3]), (fn, x) => fn.decoders.image(x, { name: 'my_decoder' })),
    /^Error: Critical error in pipeline:\nError in CPU operator `nvidia\.dali\.fn\.decoders\.image` \(instance "my_decoder"\) while processing sample #0: unrecognised image format/,
  );
  await assert.rejects(
    runOne({ type: 'INT32', shape: [2], data: [1, 2] }, (fn, x) => fn.decoders.image(x)),
    /one-dimensional UINT8 tensor, not INT32/,
  );
});

test('crop_mirror_normalize: float32 (x - mean) * (1 / std), channels first by default', async () => {
  const source = image(2, 2, 3);
  const result = await runOne(source, (fn, x) => fn.cropMirrorNormalize(x, { mean: [1, 2, 3], std: [3, 7, 11] }));
  assert.deepEqual([result.type, result.shape], ['FLOAT', [3, 2, 2]]);
  const expected = [0, 1, 2].flatMap((c) =>
    [0, 1, 2, 3].map((pixel) => Math.fround(Math.fround(pixel * 3 + c - (c + 1)) * Math.fround(1 / [3, 7, 11][c]!))),
  );
  assert.deepEqual(result.data, expected);
});

test('crop_mirror_normalize: the kernel and the general code agree', async () => {
  const source = image(7, 9, 3);
  for (const outputLayout of ['CHW', 'HWC'] as const) {
    for (const dtype of ['FLOAT', 'FLOAT16'] as const) {
      const options = { dtype, crop: [5, 6], mean: [10, 20, 30], std: [2, 3, 4], outputLayout, cropPosX: 0.2 };
      const fast = await runOne(source, (fn, x) => fn.cropMirrorNormalize(x, options));
      const general = await runOne(source, (fn, x) => fn.cropMirrorNormalize(fn.cast(x, { dtype: 'INT32' }), options));
      assert.deepEqual(fast, general);
    }
  }
});

test('crop_mirror_normalize mirrors, rounds, saturates and pads channels', async () => {
  const source = image(1, 3, 3);
  const mirrored = await runOne(source, (fn, x) =>
    fn.cropMirrorNormalize(x, { mirror: 1, outputLayout: 'HWC', dtype: 'UINT8' }),
  );
  assert.deepEqual(mirrored.data, [6, 7, 8, 3, 4, 5, 0, 1, 2]);
  const scaled = await runOne(source, (fn, x) =>
    fn.cropMirrorNormalize(x, { mean: 4, std: 1, scale: 64.5, outputLayout: 'HWC', dtype: 'INT8' }),
  );
  assert.deepEqual(scaled.data, [-128, -128, -128, -65, 0, 65, 127, 127, 127]);
  const shifted = await runOne(source, (fn, x) => fn.cropMirrorNormalize(x, { shift: 0.5, outputLayout: 'HWC' }));
  assert.deepEqual(
    shifted.data,
    count(9).map((x) => x + 0.5),
  );
  const padded = await runOne(source, (fn, x) =>
    fn.cropMirrorNormalize(x, { padOutput: true, outputLayout: 'HWC', dtype: 'UINT8' }),
  );
  assert.deepEqual(
    [padded.shape, padded.data],
    [
      [1, 3, 4],
      [0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0],
    ],
  );
});

test('a crop outside of the picture is an error, filled or cut, as the policy says', async () => {
  const source = image(2, 2, 1);
  const crop = (outOfBoundsPolicy: 'error' | 'pad' | 'trim_to_shape') =>
    runOne(source, (fn, x) => fn.crop(x, { crop: [2, 4], outOfBoundsPolicy, fillValues: [9] }));
  await assert.rejects(
    crop('error'),
    /anchor \(0, -1, 0\) and shape \(2, 4, 1\) does not fit the input's shape \(2, 2, 1\)/,
  );
  assert.deepEqual((await crop('pad')).data, [9, 0, 1, 9, 9, 2, 3, 9]);
  assert.deepEqual((await crop('trim_to_shape')).data, [0, 1, 2, 3]);
  const normalized = await runOne(source, (fn, x) =>
    fn.cropMirrorNormalize(x, {
      crop: [2, 4],
      outOfBoundsPolicy: 'pad',
      fillValues: [7],
      mean: 1,
      std: 2,
      outputLayout: 'HWC',
      mirror: 1,
    }),
  );
  assert.deepEqual(normalized.data, [7, 0, -0.5, 7, 7, 1, 0.5, 7]);
});

test('the anchor of a crop is rounded half away from zero', async () => {
  const source = image(1, 5, 1);
  assert.deepEqual(
    (await runOne(source, (fn, x) => fn.crop(x, { cropH: 1, cropW: 2 }))).data,
    [2, 3],
    '0.5 * (5 - 2) = 1.5',
  );
  assert.deepEqual((await runOne(source, (fn, x) => fn.crop(x, { crop: [1, 2], cropPosX: 1 }))).data, [3, 4]);
});

test('resize follows the filter and keeps channels apart', async () => {
  const source = { type: 'UINT8' as const, shape: [1, 4, 1], layout: 'HWC', data: [0, 20, 40, 60] };
  assert.deepEqual(
    (await runOne(source, (fn, x) => fn.resize(x, { size: [1, 8] }))).data,
    [0, 5, 15, 25, 35, 45, 55, 60],
  );
  const planes = { type: 'UINT8' as const, shape: [2, 1, 2], layout: 'CHW', data: [0, 100, 200, 50] };
  const stretched = await runOne(planes, (fn, x) => fn.resize(x, { resizeX: 4, resizeY: 1 }));
  assert.deepEqual(
    [stretched.shape, stretched.data],
    [
      [2, 1, 4],
      [0, 25, 75, 100, 200, 163, 88, 50],
    ],
  );
  const float = await runOne(source, (fn, x) => fn.resize(x, { size: [1, 8], dtype: 'FLOAT' }));
  assert.deepEqual([float.type, float.data[1]], ['FLOAT', 5]);
  const wide = await runOne({ ...source, type: 'INT16', data: [-600, -400, 400, 600] }, (fn, x) =>
    fn.resize(x, { size: [1, 2], antialias: false }),
  );
  assert.deepEqual([wide.type, wide.data], ['INT16', [-500, 500]]);
});

test('resize modes decide the size as DALI does', async () => {
  const shapeOf = async (
    options: Parameters<Parameters<Parameters<typeof runOne>[1]>[0]['resize']>[1],
    height = 480,
    width = 640,
  ) => {
    const source = { type: 'UINT8' as const, shape: [height, width, 1], layout: 'HWC', data: [] };
    return (await runOne(source, (fn, x) => fn.shapes(fn.resize(x, options)))).data.map(Number).slice(0, 2);
  };
  assert.deepEqual(await shapeOf({ resizeX: 320 }), [240, 320], 'a missing extent keeps the aspect ratio');
  assert.deepEqual(await shapeOf({ resizeX: 320, mode: 'stretch' }), [480, 320]);
  assert.deepEqual(await shapeOf({ size: [640, 480], mode: 'not_larger' }), [360, 480]);
  assert.deepEqual(await shapeOf({ size: [640, 480], mode: 'not_smaller' }), [640, 853]);
  assert.deepEqual(await shapeOf({ resizeShorter: 256 }), [256, 341]);
  assert.deepEqual(await shapeOf({ resizeLonger: 256 }), [192, 256]);
  assert.deepEqual(await shapeOf({ resizeShorter: 800, maxSize: 1400 }, 600, 1200), [700, 1400]);
  assert.deepEqual(await shapeOf({ size: [0.2, 0.2] }), [1, 1], 'never empty');
});

test('a negative size and swapped region ends flip', async () => {
  const source = { type: 'UINT8' as const, shape: [1, 4, 1], layout: 'HWC', data: [1, 2, 3, 4] };
  assert.deepEqual((await runOne(source, (fn, x) => fn.resize(x, { resizeX: -4, resizeY: 1 }))).data, [4, 3, 2, 1]);
  const region = { size: [1, 4], roiStart: [0, 1], roiEnd: [1, 0], roiRelative: true };
  assert.deepEqual((await runOne(source, (fn, x) => fn.resize(x, region))).data, [4, 3, 2, 1]);
  const part = { size: [1, 2], roiStart: [0, 2], roiEnd: [1, 4] };
  assert.deepEqual((await runOne(source, (fn, x) => fn.resize(x, part))).data, [3, 4]);
});

test('sizes may come as a tensor, and the original shape may be asked for', async () => {
  const source = {
    type: 'UINT8' as const,
    shape: [2, 2, 1],
    layout: 'HWC',
    samples: [
      [0, 0, 0, 0],
      [9, 9, 9, 9],
    ],
  };
  const size = {
    type: 'FLOAT' as const,
    shape: [2],
    samples: [
      [4, 6],
      [4, 6],
    ],
  };
  const [resized, attributes] = await runPipeline([source, size], (fn, x, s) =>
    fn.resizeWithAttributes(x!, { size: s! }),
  );
  assert.deepEqual(resized!.shape, [4, 6, 1]);
  assert.deepEqual(
    [attributes!.type, attributes!.samples],
    [
      'INT32',
      [
        [2, 2, 1],
        [2, 2, 1],
      ],
    ],
  );
});

test('one axis may shrink and the other grow, each with its filter', async () => {
  const source = { type: 'FLOAT' as const, shape: [3, 3, 1], layout: 'HWC', data: [0, 0, 0, 0, 1, 0, 0, 2, 0] };
  const { data } = await runOne(source, (fn, x) =>
    fn.resize(x, { size: [2, 6], minFilter: 'LINEAR', magFilter: 'NN' }),
  );
  [0, 0, 1 / 3, 1 / 3, 0, 0, 0, 0, 5 / 3, 5 / 3, 0, 0].forEach((expected, i) => {
    assert.ok(Math.abs(Number(data[i]) - expected) < 1e-5, `element ${i}`);
  });
});

test('any size and region gives a picture of that size or a failed sample', async () => {
  const size = fc.float({ min: -300, max: 300, noNaN: true });
  const edge = fc.oneof(fc.float({ min: -50, max: 50 }), fc.constantFrom(1e9, -1e9, 1e30, -1e30, Number.NaN));
  const mode = fc.constantFrom('default', 'stretch', 'not_larger', 'not_smaller' as const);
  const filter = fc.constantFrom('NN', 'LINEAR', 'CUBIC', 'LANCZOS3', 'GAUSSIAN' as const);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(size, size),
      fc.tuple(edge, edge),
      fc.tuple(edge, edge),
      mode,
      filter,
      async (sizes, start, end, resizeMode, interpType) => {
        const source = { type: 'UINT8' as const, shape: [6, 5, 3], layout: 'HWC', data: count(90) };
        try {
          const { shape, data } = await runOne(source, (fn, x) =>
            fn.resize(x, { size: sizes, roiStart: start, roiEnd: end, mode: resizeMode, interpType }),
          );
          assert.equal(data.length, shape[0]! * shape[1]! * 3);
        } catch (error) {
          assert.match(String(error), /Critical error in pipeline/);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('sizes that a client chose cannot ask for endless memory', async () => {
  const source = { type: 'UINT8' as const, shape: [2, 2, 1], layout: 'HWC', samples: [[0, 0, 0, 0]] };
  for (const size of [
    [65_500, 65_500],
    [1e30, 4],
    [Number.NaN, 4],
    [Number.POSITIVE_INFINITY, 4],
  ]) {
    const sizes = { type: 'FLOAT' as const, shape: [2], samples: [size] };
    await assert.rejects(
      runPipeline([source, sizes], (fn, x, s) => fn.resize(x!, { size: s! })),
      /Critical error in pipeline/,
    );
  }
  const region = { type: 'FLOAT' as const, shape: [2], samples: [[-1e9, -1e9]] };
  await assert.rejects(
    runPipeline([source, region], (fn, x, r) => fn.resize(x!, { size: [1, 1], roiStart: r!, roiEnd: [1e9, 1e9] })),
    /filter is too wide/,
  );
});

test('flip mirrors width or height', async () => {
  const source = image(2, 2, 1);
  assert.deepEqual((await runOne(source, (fn, x) => fn.flip(x))).data, [1, 0, 3, 2]);
  assert.deepEqual((await runOne(source, (fn, x) => fn.flip(x, { horizontal: 0, vertical: 1 }))).data, [2, 3, 0, 1]);
});

test('letterbox: peek, computed size, slice with padding', async () => {
  const file = pgm(4, 2, [10, 20, 30, 40, 50, 60, 70, 80]);
  const result = await runOne(encoded(file), (fn, x) => {
    const picture = fn.decoders.image(x, { outputType: 'GRAY' });
    const scaled = fn.resize(picture, { size: [4, 4], mode: 'not_larger' });
    return fn.slice(scaled, {
      start: [-1, 0],
      shape: [4, 4],
      axes: [0, 1],
      outOfBoundsPolicy: 'pad',
      fillValues: [114],
    });
  });
  assert.deepEqual(
    [result.shape, result.data],
    [
      [4, 4, 1],
      [114, 114, 114, 114, 10, 20, 30, 40, 50, 60, 70, 80, 114, 114, 114, 114],
    ],
  );
});
