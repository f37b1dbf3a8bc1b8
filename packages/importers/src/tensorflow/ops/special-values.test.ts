import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints } from '../test-support/tensors.ts';

const { NaN: NAN, POSITIVE_INFINITY: INF } = Number;
/** What arithmetic stumbles over: no number, infinities, both zeros, halves, the smallest and the largest float32, what overflows exp. */
const SPECIAL = [NAN, INF, -INF, 0, -0, 0.5, -0.5, 1.5, -1.5, 2.5, 1e-45, 3.4028234663852886e38, 89, -104];
const shape = [SPECIAL.length];

const UNARY = [
  ...['Abs', 'Neg', 'Sign', 'Floor', 'Ceil', 'Round', 'Exp', 'Log', 'Log1p', 'Sqrt', 'Rsqrt', 'Square'],
  ...['Relu', 'Relu6', 'Elu', 'Selu', 'LeakyRelu', 'Sigmoid', 'Tanh', 'Softplus', 'Reciprocal', 'IsNan', 'IsInf'],
];
for (const op of UNARY) {
  test(`${op}: NaN, infinities, zeros, halves, the ends of the range`, async () => {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1]);
    graph.node('y', op, ['x'], {});
    await compare({ graph, feeds: { x: floats(shape, SPECIAL) } });
  });
}

const BINARY = [
  ...['AddV2', 'Sub', 'Mul', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference', 'FloorMod'],
  ...['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'],
];
for (const op of BINARY) {
  test(`${op}: every pair of NaN, infinities and zeros`, async () => {
    const graph = new TestGraph();
    graph.placeholder('a', 'DT_FLOAT', [-1, 1]);
    graph.placeholder('b', 'DT_FLOAT', [-1]);
    graph.node('y', op, ['a', 'b'], {});
    const values = [NAN, INF, -INF, 0, -0, 1.5, -2];
    await compare({ graph, feeds: { a: floats([7, 1], values), b: floats([7], values) } });
  });
}

test('Rint: halves go to the even neighbour', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1]);
  graph.node('y', 'Rint', ['x'], {});
  const x = floats([9], [NAN, INF, -INF, -0, 0.5, 1.5, -2.5, 2.500001, 3.4028234663852886e38]);
  await compare({
    graph,
    feeds: { x },
    expected: [floats([9], [NAN, INF, -INF, -0, 0, 2, -2, 3, 3.4028234663852886e38])],
  });
});

test('FloorDiv: every pair of NaN, infinities and zeros', async () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [-1, 1]);
  graph.placeholder('b', 'DT_FLOAT', [-1]);
  graph.node('y', 'FloorDiv', ['a', 'b'], {});
  const values = [NAN, INF, -INF, 0, -0, 1.5, -2];
  // TensorFlow.js divides integers only.
  const expected = floats(
    [7, 7],
    values.flatMap((a) => values.map((b) => Math.floor(a / b))),
  );
  await compare({ graph, feeds: { a: floats([7, 1], values), b: floats([7], values) }, expected: [expected] });
});

test('ArgMax and ArgMin: of equal values the first', async () => {
  for (const op of ['ArgMax', 'ArgMin']) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 5]);
    graph.constant('axis', ints([], [1]));
    graph.node('y', op, ['x', 'axis'], {});
    const x = floats([4, 5], [1, 3, 3, 1, 2, 0, 0, 0, 0, 0, -0, 0, -0, 0, -0, -INF, INF, INF, -INF, 0]);
    await compare({ graph, feeds: { x } });
  }
});

test('TopKV2: of equal values the first first', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 6]);
  graph.constant('k', ints([], [4]));
  graph.node('top', 'TopKV2', ['x', 'k'], { sorted: true });
  graph.node('y', 'Identity', ['top']);
  graph.node('places', 'Identity', ['top:1']);
  const x = floats([3, 6], [2, 5, 5, 2, 5, 2, 0, 0, 0, 0, 0, 0, INF, -INF, INF, 1, 1, -INF]);
  await compare({ graph, feeds: { x }, outputs: ['y', 'places'] });
});

test('Softmax: large values do not overflow, -Infinity counts nothing, ties are halves', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 3]);
  graph.node('y', 'Softmax', ['x'], {});
  await compare({ graph, feeds: { x: floats([4, 3], [1e4, 1e4, -INF, -1e4, -1e4, -1e4, 3e38, -3e38, 0, 0, NAN, 1]) } });
});

test('resizing at pixel centres: samples that fall exactly between two pixels, and on the last one', async () => {
  for (const op of ['ResizeBilinear', 'ResizeNearestNeighbor']) {
    for (const [from, to] of [
      [4, 2],
      [2, 4],
      [6, 2],
      [3, 9],
      [1, 5],
      [5, 1],
    ] as const) {
      const graph = new TestGraph();
      graph.placeholder('x', 'DT_FLOAT', [-1, from, from, 1]);
      graph.constant('size', ints([2], [to, to]));
      graph.node('y', op, ['x', 'size'], { align_corners: false, half_pixel_centers: true });
      const values = Array.from({ length: from * from }, (_, index) => index * index);
      await compare({ graph, feeds: { x: floats([1, from, from, 1], values) } });
    }
  }
});
