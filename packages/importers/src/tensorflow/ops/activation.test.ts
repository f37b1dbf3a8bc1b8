import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp } from '../test-support/tensors.ts';

const EDGES = floats([9], [Number.NaN, Number.POSITIVE_INFINITY, -3, -0.5, -0, 0, 0.5, 3, 8]);

test('activations, with NaN and infinity', async () => {
  for (const op of ['Relu', 'Relu6', 'Elu', 'Sigmoid', 'Tanh', 'Softplus', 'Selu']) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1]);
    graph.node('y', op, ['x']);
    await compare({ graph, feeds: { x: EDGES } });
    await compare({ graph, feeds: { x: floats([0], []) } });
  }
});

test('Softsign', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [3]);
  graph.node('y', 'Softsign', ['x']);
  await compare({ graph, feeds: { x: floats([3], [-3, 0, 1]) }, expected: [floats([3], [-0.75, 0, 0.5])] });
});

test('LeakyRelu: given and default alpha', async () => {
  for (const attributes of [{ alpha: 0.3 }, { alpha: 0.2 }]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1]);
    graph.node('y', 'LeakyRelu', ['x'], attributes);
    await compare({ graph, feeds: { x: EDGES } });
  }
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2]);
  graph.node('y', 'LeakyRelu', ['x']);
  await compare({ graph, feeds: { x: floats([2], [-10, 10]) }, expected: [floats([2], [-2, 10])] });
});

test('Relu of integers', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_INT32', [4]);
  graph.node('y', 'Relu', ['x']);
  await compare({ graph, feeds: { x: ints([4], [-2, -1, 0, 7]) } });
});

test('Prelu: a slope per channel', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 2, 2, 3]);
  graph.constant('slope', floats([3], [0.1, 0.2, -0.5]));
  graph.node('y', 'Prelu', ['x', 'slope']);
  await compare({ graph, feeds: { x: ramp([2, 2, 2, 3]) } });
});

test('Softmax and LogSoftmax over the last axis', async () => {
  for (const op of ['Softmax', 'LogSoftmax']) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 3, 4]);
    graph.node('y', op, ['x']);
    await compare({ graph, feeds: { x: ramp([2, 3, 4]) } });
    await compare({ graph, feeds: { x: floats([1, 3, 4], [1000, 999, -1000, 0, 1, 1, 1, 1, -1e30, 0, 0, 0]) } });
  }
});
