import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, positive, ramp } from '../test-support/tensors.ts';

/** A graph whose first dimension is the batch, with no row in it; `shape` is that of `y` without the batch. */
async function withoutRows(
  build: (graph: TestGraph) => void,
  input: readonly number[],
  shape: readonly number[],
): Promise<void> {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, ...input]);
  build(graph);
  await compare({ graph, feeds: { x: floats([0, ...input], []) }, expected: [floats([0, ...shape], [])] });
}

const PICTURE = [5, 7, 2];
const WINDOW = { ksize: [1, 3, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' };

test('a batch without rows: Conv2D and DepthwiseConv2dNative', async () => {
  for (const [op, filter, channels] of [
    ['Conv2D', [3, 3, 2, 4], 4],
    ['DepthwiseConv2dNative', [3, 3, 2, 1], 2],
  ] as const) {
    await withoutRows(
      (graph) => {
        graph.constant('w', ramp(filter));
        graph.node('y', op, ['x', 'w'], { strides: [1, 2, 2, 1], padding: 'SAME' });
      },
      PICTURE,
      [3, 4, channels],
    );
  }
});

test('a batch without rows: pools, activations, normalisation, resizing, padding', async () => {
  for (const op of ['MaxPool', 'AvgPool'])
    await withoutRows((graph) => graph.node('y', op, ['x'], WINDOW), PICTURE, [3, 4, 2]);
  for (const op of ['Relu', 'Relu6', 'Sigmoid', 'Softmax', 'Tanh'])
    await withoutRows((graph) => graph.node('y', op, ['x'], {}), PICTURE, PICTURE);
  await withoutRows(
    (graph) => {
      for (const [name, seed] of [
        ['scale', 1],
        ['offset', 2],
        ['mean', 3],
      ] as const)
        graph.constant(name, ramp([2], seed));
      graph.constant('variance', positive([2]));
      graph.node('y', 'FusedBatchNormV3', ['x', 'scale', 'offset', 'mean', 'variance'], {
        epsilon: 1e-3,
        is_training: false,
      });
    },
    PICTURE,
    PICTURE,
  );
  await withoutRows(
    (graph) => {
      graph.constant('size', ints([2], [3, 3]));
      graph.node('y', 'ResizeBilinear', ['x', 'size'], { align_corners: false, half_pixel_centers: true });
    },
    PICTURE,
    [3, 3, 2],
  );
  await withoutRows(
    (graph) => {
      graph.constant('paddings', ints([4, 2], [0, 0, 1, 1, 1, 2, 0, 0]));
      graph.node('y', 'Pad', ['x', 'paddings'], {});
    },
    PICTURE,
    [7, 10, 2],
  );
});

test('a batch without rows: matrix product, bias, concatenation, mean, reshape', async () => {
  await withoutRows(
    (graph) => {
      graph.constant('w', ramp([3, 2]));
      graph.constant('b', ramp([2]));
      graph.node('m', 'MatMul', ['x', 'w'], {});
      graph.node('y', 'BiasAdd', ['m', 'b'], {});
    },
    [3],
    [2],
  );
  await withoutRows(
    (graph) => {
      graph.constant('axis', ints([], [1]));
      graph.node('y', 'ConcatV2', ['x', 'x', 'axis'], { N: { int: 2 } });
    },
    [3],
    [6],
  );
  await withoutRows(
    (graph) => {
      graph.constant('axes', ints([2], [1, 2]));
      graph.node('y', 'Mean', ['x', 'axes'], { keep_dims: false });
    },
    PICTURE,
    [2],
  );
  await withoutRows(
    (graph) => {
      graph.node('shape', 'Shape', ['x'], { out_type: 'DT_INT32' });
      for (const [name, value] of [
        ['from', 0],
        ['to', 1],
        ['step', 1],
      ] as const)
        graph.constant(name, ints([1], [value]));
      graph.node('rows', 'StridedSlice', ['shape', 'from', 'to', 'step'], { shrink_axis_mask: { int: 1 } });
      graph.constant('rest', ints([], [70]));
      graph.node('target', 'Pack', ['rows', 'rest'], { N: { int: 2 }, axis: { int: 0 } });
      graph.node('y', 'Reshape', ['x', 'target'], {});
    },
    PICTURE,
    [70],
  );
});

test('a batch without rows: a whole classifier, from pixels to probabilities', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 9, 9, 3]);
  graph.constant('filter', ramp([3, 3, 3, 4]));
  graph.node('conv', 'Conv2D', ['x', 'filter'], { strides: [1, 2, 2, 1], padding: 'VALID' });
  for (const [name, seed] of [
    ['scale', 1],
    ['offset', 2],
    ['mean', 3],
  ] as const)
    graph.constant(name, ramp([4], seed));
  graph.constant('variance', positive([4]));
  graph.node('norm', 'FusedBatchNormV3', ['conv', 'scale', 'offset', 'mean', 'variance'], {
    epsilon: 1e-3,
    is_training: false,
  });
  graph.node('relu', 'Relu', ['norm'], {});
  graph.node('max', 'MaxPool', ['relu'], { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
  graph.node('avg', 'AvgPool', ['relu'], { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
  graph.constant('axis', ints([], [3]));
  graph.node('joined', 'ConcatV2', ['max', 'avg', 'axis'], { N: { int: 2 } });
  graph.constant('axes', ints([2], [1, 2]));
  graph.node('pooled', 'Mean', ['joined', 'axes'], { keep_dims: true });
  graph.node('flat', 'Squeeze', ['pooled'], { squeeze_dims: [1, 2] });
  graph.constant('w', ramp([8, 5]));
  graph.node('logits', 'MatMul', ['flat', 'w'], {});
  graph.node('y', 'Softmax', ['logits'], {});
  await compare({ graph, feeds: { x: ramp([2, 9, 9, 3]) } });
  await compare({ graph, feeds: { x: floats([0, 9, 9, 3], []) }, expected: [floats([0, 5], [])] });
});
