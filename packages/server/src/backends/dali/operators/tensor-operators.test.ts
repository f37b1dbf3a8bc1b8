import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ElementType } from '../format/index.ts';
import { count, runOne, runPipeline } from '../test-support/run-pipeline.ts';

const of = (type: ElementType, shape: readonly number[], data: readonly (number | bigint)[], layout = '') => ({
  type,
  shape,
  data,
  layout,
});

test('cast saturates and rounds half away from zero', async () => {
  const floats = of('FLOAT', [8], [-0.5, 0.5, 1.5, 2.5, -2.5, 300, -300, Number.NaN]);
  assert.deepEqual(
    (await runOne(floats, (fn, x) => fn.cast(x, { dtype: 'INT8' }))).data,
    [-1, 1, 2, 3, -3, 127, -128, 0],
  );
  assert.deepEqual((await runOne(floats, (fn, x) => fn.cast(x, { dtype: 'UINT8' }))).data, [0, 1, 2, 3, 0, 255, 0, 0]);
  assert.deepEqual(
    (await runOne(of('FLOAT', [3], [0, -2, 0.1]), (fn, x) => fn.cast(x, { dtype: 'BOOL' }))).data,
    [0, 1, 1],
  );
  const longs = of('INT64', [3], [-1n, 2n ** 40n, 7n]);
  assert.deepEqual((await runOne(longs, (fn, x) => fn.cast(x, { dtype: 'UINT64' }))).data, [0n, 2n ** 40n, 7n]);
  assert.deepEqual((await runOne(longs, (fn, x) => fn.cast(x, { dtype: 'INT32' }))).data, [-1, 2 ** 31 - 1, 7]);
  assert.deepEqual((await runOne(of('FLOAT', [1], [1e30]), (fn, x) => fn.cast(x, { dtype: 'INT64' }))).data, [
    2n ** 63n - 1n,
  ]);
  assert.deepEqual((await runOne(of('FLOAT', [1], [0.1]), (fn, x) => fn.cast(x, { dtype: 'FLOAT16' }))).data, [
    Math.f16round(0.1),
  ]);
});

test('transpose moves dimensions and their names', async () => {
  const source = of('UINT8', [2, 3, 2], count(12), 'HWC');
  const result = await runOne(source, (fn, x) => fn.transpose(x, { perm: [2, 0, 1] }));
  assert.deepEqual(
    [result.shape, result.data],
    [
      [2, 2, 3],
      [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11],
    ],
  );
  const back = await runOne(source, (fn, x) => fn.resize(fn.transpose(x, { perm: [2, 0, 1] }), { size: [2, 3] }));
  assert.deepEqual(back.shape, [2, 2, 3], 'the layout is CHW now');
  await assert.rejects(
    runOne(of('UINT8', [2, 2], count(4)), (fn, x) => fn.transpose(x, { perm: [0, 1, 2] })),
    /"perm" has 3 elements but the input 2/,
  );
});

test('pad extends to a shape, to the largest sample of the request, and to an alignment', async () => {
  const source = of('UINT8', [2, 3], count(6));
  const padded = await runOne(source, (fn, x) => fn.pad(x, { axes: [1], shape: [4], fillValue: 7 }));
  assert.deepEqual(
    [padded.shape, padded.data],
    [
      [2, 4],
      [0, 1, 2, 7, 3, 4, 5, 7],
    ],
  );
  assert.deepEqual((await runOne(source, (fn, x) => fn.pad(x, { align: [4, 2] }))).shape, [4, 4]);
  assert.deepEqual((await runOne(source, (fn, x) => fn.pad(x, { axes: [1], shape: [2] }))).shape, [2, 3], 'never cut');
  // Two samples of different lengths, made by a slice whose end is a tensor.
  const line = {
    type: 'INT16' as const,
    shape: [4],
    samples: [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
  };
  const end = { type: 'INT32' as const, shape: [1], samples: [[2], [3]] };
  const [ragged] = await runPipeline([line, end], (fn, x, e) =>
    fn.pad(fn.slice(x!, { start: [0], end: e!, axes: [0] }), { fillValue: -1 }),
  );
  assert.deepEqual(
    [ragged!.shape, ragged!.samples],
    [
      [3],
      [
        [1, 2, -1],
        [5, 6, 7],
      ],
    ],
  );
});

test('samples that end up with different shapes fail the request', async () => {
  const line = {
    type: 'INT16' as const,
    shape: [4],
    samples: [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
  };
  const end = { type: 'INT32' as const, shape: [1], samples: [[2], [3]] };
  await assert.rejects(
    runPipeline([line, end], (fn, x, e) => fn.slice(x!, { start: [0], end: e!, axes: [0] })),
    /samples of output "__Slice_2" do not have one shape: sample #0 has \(2\), sample #1 has \(3\)/,
  );
});

test('reshape keeps the elements', async () => {
  const source = of('UINT8', [4, 6, 1], count(24), 'HWC');
  assert.deepEqual((await runOne(source, (fn, x) => fn.reshape(x, { shape: [2, -1] }))).shape, [2, 12]);
  assert.deepEqual((await runOne(source, (fn, x) => fn.reshape(x, { relShape: [0.5, -1] }))).shape, [2, 12]);
  assert.deepEqual((await runOne(source, (fn, x) => fn.reshape(x, { srcDims: [-1, 1, 0] }))).shape, [1, 6, 4]);
  assert.deepEqual(
    (await runOne(source, (fn, x) => fn.reinterpret(x, { shape: [3, 2], dtype: 'INT32' }))).shape,
    [3, 2],
  );
  assert.deepEqual(
    (await runOne(of('UINT8', [2, 8], count(16)), (fn, x) => fn.reinterpret(x, { dtype: 'UINT32' }))).data,
    [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c],
  );
  await assert.rejects(
    runOne(source, (fn, x) => fn.reshape(x, { shape: [5, -1] })),
    /24 elements cannot take the shape \(5, -1\)/,
  );
  await assert.rejects(
    runOne(source, (fn, x) => fn.reshape(x, { shape: [-1, -1] })),
    /only one extent/,
  );
  await assert.rejects(
    runOne(source, (fn, x) => fn.reshape(x, { shape: [2 ** 40, 2 ** 40] })),
    /cannot become/,
  );
});

test('a layout given by reshape is what later operators see', async () => {
  const source = of('UINT8', [3, 1, 2], count(6));
  const result = await runOne(source, (fn, x) =>
    fn.cropMirrorNormalize(fn.reshape(x, { layout: 'CHW' }), { outputLayout: 'HWC', dtype: 'UINT8' }),
  );
  assert.deepEqual(
    [result.shape, result.data],
    [
      [1, 2, 3],
      [0, 2, 4, 1, 3, 5],
    ],
  );
});

test('normalize with computed and with given statistics', async () => {
  const source = of('FLOAT', [2, 2], [1, 2, 3, 4]);
  const close = (actual: readonly (number | bigint)[], expected: readonly number[]) =>
    actual.forEach((value, i) => {
      assert.ok(Math.abs(Number(value) - expected[i]!) < 1e-5, `${actual} for ${expected}`);
    });
  close((await runOne(source, (fn, x) => fn.normalize(x))).data, [-1.341641, -0.447214, 0.447214, 1.341641]);
  close((await runOne(source, (fn, x) => fn.normalize(x, { axes: [0] }))).data, [-1, -1, 1, 1]);
  close(
    (await runOne(source, (fn, x) => fn.normalize(x, { ddof: 1, shift: 10, scale: 2 }))).data,
    [7.676209, 9.225403, 10.774597, 12.323791],
  );
  close((await runOne(source, (fn, x) => fn.normalize(x, { mean: 1, stddev: 2 }))).data, [0, 0.5, 1, 1.5]);
  close((await runOne(of('UINT8', [3], [5, 5, 5]), (fn, x) => fn.normalize(x))).data, [0, 0, 0]);
  const [scaled] = await runPipeline(
    [{ type: 'UINT8', shape: [1, 2, 3], samples: [[10, 20, 30, 40, 50, 60]] }],
    (fn, x) =>
      fn.normalize(x!, {
        mean: fn.constant([10, 20, 30], { shape: [1, 1, 3], dtype: 'FLOAT' }),
        stddev: fn.constant([10, 10, 10], { shape: [1, 1, 3], dtype: 'FLOAT' }),
        axes: [0, 1],
      }),
  );
  close(scaled!.samples[0]!, [0, 0, 0, 3, 3, 3]);
});

test('normalize over the batch uses all samples of the request', async () => {
  const [result] = await runPipeline(
    [
      {
        type: 'FLOAT',
        shape: [2],
        samples: [
          [0, 2],
          [4, 6],
        ],
      },
    ],
    (fn, x) => fn.normalize(x!, { batch: true, stddev: 1 }),
  );
  assert.deepEqual(result!.samples, [
    [-3, -1],
    [1, 3],
  ]);
});

test('slice by arguments, by tensors and by names', async () => {
  const source = of('UINT8', [3, 4, 1], count(12), 'HWC');
  const data = async (define: Parameters<typeof runOne>[1]) => (await runOne(source, define)).data;
  assert.deepEqual(
    await data((fn, x) => fn.slice(x, { start: [1, 0], end: [3, 2] })),
    [1, 2, 5, 6],
    'axes are width, height by default',
  );
  assert.deepEqual(await data((fn, x) => fn.slice(x, { start: [1, 0], shape: [1, 4], axes: [0, 1] })), [4, 5, 6, 7]);
  assert.deepEqual(
    await data((fn, x) => fn.slice(x, { relStart: [0.5], relEnd: [1], axisNames: 'W' })),
    [2, 3, 6, 7, 10, 11],
  );
  assert.deepEqual(
    await data((fn, x) =>
      fn.slice(x, {}, fn.constant([0.25, 0], { dtype: 'FLOAT' }), fn.constant([0.5, 0.3], { dtype: 'FLOAT' })),
    ),
    [1, 2],
  );
  assert.deepEqual(
    await data((fn, x) => fn.slice(x, { normalizedShape: false }, fn.constant([1, 1]), fn.constant([1, 2]))),
    [5, 9],
  );
  await assert.rejects(
    data((fn, x) => fn.slice(x, { start: [3, 0], shape: [2, 1] })),
    /does not fit/,
  );
  await assert.rejects(
    data((fn, x) => fn.slice(x, { start: [2], end: [1], axes: [0], outOfBoundsPolicy: 'pad' })),
    /negative/,
  );
});

test('constants fill their shape', async () => {
  const source = of('UINT8', [1], [0]);
  assert.deepEqual(await runOne(source, (fn) => fn.constant([1, 2], { dtype: 'INT64' })), {
    type: 'INT64',
    shape: [2],
    data: [1n, 2n],
  });
  assert.deepEqual(await runOne(source, (fn) => fn.constant(0.5, { shape: [2, 2] })), {
    type: 'FLOAT',
    shape: [2, 2],
    data: [0.5, 0.5, 0.5, 0.5],
  });
});

test('subscripts index and slice like Python', async () => {
  const source = of('INT32', [3, 4], count(12), 'AB');
  const subscript = (options: object) => runOne(source, (fn, x) => fn.operator('TensorSubscript', [x], options));
  assert.deepEqual(await subscript({ at_0: 1 }), { type: 'INT32', shape: [4], data: [4, 5, 6, 7] });
  assert.deepEqual(await subscript({ at_0: -1, lo_1: 1, hi_1: 3 }), { type: 'INT32', shape: [2], data: [9, 10] });
  assert.deepEqual(await subscript({ step_0: -2, at_1: 0 }), { type: 'INT32', shape: [2], data: [8, 0] });
  assert.deepEqual((await subscript({ lo_0: 5, hi_0: 9, num_subscripts: 1 })).shape, [0, 4]);
  await assert.rejects(subscript({ step_0: 0 }), /step of a subscript is 0/);
  await assert.rejects(subscript({ at_0: 3 }), /index 3 is out of range for dimension 0 of extent 3/);
});

test('stack and cat join tensors', async () => {
  const source = of('UINT8', [2, 2], count(4));
  assert.deepEqual(
    await runOne(source, (fn, x) => fn.stack([x, fn.flip(fn.reshape(x, { layout: 'HW' }))], { axis: 2 })),
    {
      type: 'UINT8',
      shape: [2, 2, 2],
      data: [0, 1, 1, 0, 2, 3, 3, 2],
    },
  );
  assert.deepEqual(await runOne(source, (fn, x) => fn.cat([x, x], { axis: 1 })), {
    type: 'UINT8',
    shape: [2, 4],
    data: [0, 1, 0, 1, 2, 3, 2, 3],
  });
  await assert.rejects(
    runOne(source, (fn, x) => fn.cat([x, fn.cast(x, { dtype: 'INT8' })])),
    /cannot join UINT8 \(2, 2\) and INT8 \(2, 2\)/,
  );
});

test('dimensions of extent one come and go', async () => {
  const source = of('UINT8', [2, 3], count(6));
  assert.deepEqual((await runOne(source, (fn, x) => fn.expandDims(x, { axes: [0, 3] }))).shape, [1, 2, 3, 1]);
  assert.deepEqual(
    (await runOne(source, (fn, x) => fn.squeeze(fn.expandDims(x, { axes: [1] }), { axes: [1] }))).shape,
    [2, 3],
  );
  await assert.rejects(
    runOne(source, (fn, x) => fn.squeeze(x, { axes: [0] })),
    /dimension 0 has extent 2/,
  );
  assert.deepEqual(await runOne(source, (fn, x) => fn.shapes(x)), { type: 'INT64', shape: [2], data: [2n, 3n] });
});
