import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { type TestAttribute, TestGraph } from '../test-support/graph.ts';
import { floats, ramp, tensor } from '../test-support/tensors.ts';

function convGraph(
  op: string,
  input: readonly number[],
  filter: readonly number[],
  attributes: Record<string, TestAttribute>,
): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', input);
  graph.constant('w', ramp(filter, 3));
  graph.node('y', op, ['x', 'w'], { T: { type: 'DT_FLOAT' }, ...attributes });
  return graph;
}

const ONES = [1, 1, 1, 1];

test('Conv2D: padding, strides and dilations, even and odd sizes', async () => {
  const sizes = [
    [1, 5, 5, 3],
    [2, 8, 7, 3],
    [1, 6, 6, 3],
  ];
  const variants: Record<string, TestAttribute>[] = [
    { strides: ONES, padding: 'VALID' },
    { strides: ONES, padding: 'SAME' },
    { strides: [1, 2, 2, 1], padding: 'SAME' },
    { strides: [1, 3, 2, 1], padding: 'SAME' },
    { strides: [1, 2, 2, 1], padding: 'VALID' },
    { strides: ONES, padding: 'SAME', dilations: [1, 2, 2, 1] },
    { strides: ONES, padding: 'EXPLICIT', explicit_paddings: [0, 0, 2, 1, 0, 3, 0, 0] },
  ];
  for (const size of sizes) {
    for (const variant of variants) {
      const graph = convGraph('Conv2D', size, [3, 3, 3, 4], { data_format: 'NHWC', ...variant });
      await compare({ graph, feeds: { x: ramp(size) } });
    }
  }
});

test('Conv2D: kernels of every parity with SAME and a batch, height and width that are not known', async () => {
  for (const kernel of [1, 2, 3, 4]) {
    for (const stride of [1, 2]) {
      const graph = convGraph('Conv2D', [-1, -1, -1, 2], [kernel, kernel, 2, 3], {
        strides: [1, stride, stride, 1],
        padding: 'SAME',
      });
      await compare({ graph, feeds: { x: ramp([2, 7, 6, 2]) } });
    }
  }
});

test('Conv2D: an empty batch and NaN', async () => {
  const graph = convGraph('Conv2D', [-1, 5, 5, 1], [3, 3, 1, 2], { strides: ONES, padding: 'SAME' });
  // TensorFlow.js does not convolve nothing.
  await compare({ graph, feeds: { x: floats([0, 5, 5, 1], []) }, expected: [floats([0, 5, 5, 2], [])] });
  const values = ramp([1, 5, 5, 1]).values.with(7, Number.NaN);
  await compare({ graph, feeds: { x: floats([1, 5, 5, 1], values) } });
});

test('Conv2D: channels first', async () => {
  const graph = convGraph('Conv2D', [1, 3, 5, 6], [3, 3, 3, 2], {
    strides: [1, 1, 2, 1],
    padding: 'SAME',
    data_format: 'NCHW',
  });
  const nhwc = convGraph('Conv2D', [1, 5, 6, 3], [3, 3, 3, 2], { strides: [1, 2, 1, 1], padding: 'SAME' });
  nhwc.constant('perm', tensor('DT_INT32', [4], [0, 3, 1, 2]));
  nhwc.node('z', 'Transpose', ['y', 'perm'], {});
  const x = ramp([1, 5, 6, 3]);
  const moved = floats(
    [1, 3, 5, 6],
    Array.from({ length: 90 }, (_, index) => x.values[(index % 30) * 3 + Math.floor(index / 30)] as number),
  );
  // The oracle runs channels last only, so the same convolution is asked of it in that layout.
  const { runOracle } = await import('../test-support/tfjs-oracle.ts');
  const [reference] = await runOracle(nhwc.build(), new Map([['x', x]]), ['z']);
  assert.ok(reference !== undefined);
  await compare({ graph, feeds: { x: moved }, expected: [floats(reference.shape, reference.values)] });
});

test('Conv2D: groups, when the filter is shallower than the input', async () => {
  const graph = convGraph('Conv2D', [1, 4, 4, 4], [1, 1, 2, 6], { strides: ONES, padding: 'VALID' });
  const x = ramp([1, 4, 4, 4]);
  const w = ramp([1, 1, 2, 6], 3);
  const expected = Array.from({ length: 16 * 6 }, (_, index) => {
    const [place, output] = [Math.floor(index / 6), index % 6];
    const group = Math.floor(output / 3);
    return [0, 1].reduce(
      (sum, channel) =>
        sum + (x.values[place * 4 + group * 2 + channel] as number) * (w.values[channel * 6 + output] as number),
      0,
    );
  });
  await compare({ graph, feeds: { x }, expected: [floats([1, 4, 4, 6], expected)] });
});

test('Conv2D: a filter that is computed when the model runs', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [1, 4, 4, 2]);
  graph.placeholder('w', 'DT_FLOAT', [2, 2, 2, 3]);
  graph.node('y', 'Conv2D', ['x', 'w'], { strides: ONES, padding: 'SAME' });
  await compare({ graph, feeds: { x: ramp([1, 4, 4, 2]), w: ramp([2, 2, 2, 3], 5) } });
});

test('Conv2D: half weights and activations', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_HALF', [1, 4, 4, 2]);
  graph.constant('w', { ...ramp([3, 3, 2, 2], 3), type: 'DT_HALF' });
  graph.node('y', 'Conv2D', ['x', 'w'], { T: { type: 'DT_HALF' }, strides: ONES, padding: 'SAME' });
  const tolerance = { absolute: 0.02, relative: 2e-3, reason: 'half has 11 bits, the oracle computes in float' };
  await compare({ graph, feeds: { x: { ...ramp([1, 4, 4, 2]), type: 'DT_HALF' } }, tolerance, types: ['DT_HALF'] });
});

test('Conv3D', async () => {
  for (const padding of ['SAME', 'VALID']) {
    const graph = convGraph('Conv3D', [1, 4, 5, 6, 2], [2, 3, 3, 2, 3], {
      strides: [1, 1, 2, 1, 1],
      padding,
      data_format: 'NDHWC',
    });
    await compare({ graph, feeds: { x: ramp([1, 4, 5, 6, 2]) } });
  }
});

test('DepthwiseConv2dNative: padding, strides, dilations and multipliers', async () => {
  for (const multiplier of [1, 2]) {
    for (const variant of [
      { strides: ONES, padding: 'SAME' },
      { strides: ONES, padding: 'VALID' },
      { strides: [1, 2, 2, 1], padding: 'SAME' },
      { strides: ONES, padding: 'SAME', dilations: [1, 2, 2, 1] },
    ]) {
      const graph = convGraph('DepthwiseConv2dNative', [-1, 7, 6, 3], [3, 3, 3, multiplier], variant);
      await compare({ graph, feeds: { x: ramp([2, 7, 6, 3]) } });
    }
  }
});

test('Conv2DBackpropInput: result sizes that fit, even and odd', async () => {
  for (const [padding, stride, size, from] of [
    ['SAME', 2, 8, 4],
    ['SAME', 2, 7, 4],
    ['SAME', 1, 5, 5],
    ['VALID', 2, 9, 4],
    ['VALID', 2, 10, 4],
    ['VALID', 1, 6, 4],
  ] as const) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, from, from, 3]);
    graph.constant('sizes', tensor('DT_INT32', [4], [1, size, size, 2]));
    graph.constant('w', ramp([3, 3, 2, 3], 3));
    graph.node('y', 'Conv2DBackpropInput', ['sizes', 'w', 'x'], { strides: [1, stride, stride, 1], padding });
    await compare({ graph, feeds: { x: ramp([1, from, from, 3]) } });
  }
});

test('convolutions that cannot be translated say why', () => {
  const attributes = { strides: ONES, padding: 'SAME' };
  const cases: [string, TestGraph, RegExp][] = [
    [
      'strides over channels',
      convGraph('Conv2D', [1, 4, 4, 2], [1, 1, 2, 2], { ...attributes, strides: [1, 1, 1, 2] }),
      /strides \[1,1,1,2\] over the batch or the channels/,
    ],
    ['channels', convGraph('Conv2D', [1, 4, 4, 3], [1, 1, 2, 2], attributes), /the input has 3 channels, the filter 2/],
    ['rank', convGraph('Conv2D', [4, 4, 3], [1, 1, 3, 2], attributes), /expected rank 4/],
    ['padding', convGraph('Conv2D', [1, 4, 4, 2], [1, 1, 2, 2], { ...attributes, padding: 'FULL' }), /padding FULL/],
    [
      'missing attribute',
      convGraph('Conv2D', [1, 4, 4, 2], [1, 1, 2, 2], { padding: 'SAME' }),
      /attribute 'strides' is missing/,
    ],
    [
      'dilations of unknown sizes',
      convGraph('Conv2D', [1, -1, -1, 2], [3, 3, 2, 2], {
        padding: 'SAME',
        strides: [1, 2, 2, 1],
        dilations: [1, 2, 2, 1],
      }),
      /needs a known height and width/,
    ],
  ];
  for (const [name, graph, message] of cases) {
    const error = importError(graph);
    assert.ok(error instanceof Error && message.test(error.message), `${name}: ${error}`);
    assert.match(error.message, /^import TensorFlow model 'm': node 'y' \(Conv2D\): /);
  }
});
