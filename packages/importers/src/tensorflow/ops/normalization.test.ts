import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, positive, ramp } from '../test-support/tensors.ts';

function withStatistics(channels: number): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 4, 5, channels]);
  graph.constant('scale', ramp([channels], 2));
  graph.constant('offset', ramp([channels], 3));
  graph.constant('mean', ramp([channels], 5));
  graph.constant('variance', positive([channels], 7));
  return graph;
}

const STATISTICS = ['x', 'scale', 'offset', 'mean', 'variance'];

test('FusedBatchNorm in all versions, with its default epsilon and another', async () => {
  for (const op of ['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3']) {
    const graph = withStatistics(3);
    graph.node('y', op, STATISTICS, { epsilon: 0.01, is_training: false });
    await compare({ graph, feeds: { x: ramp([2, 4, 5, 3]) } });
  }
  const graph = withStatistics(1);
  graph.node('y', 'FusedBatchNormV3', STATISTICS, { is_training: false, epsilon: 1e-4 });
  graph.node('z', 'FusedBatchNormV3', STATISTICS, { is_training: false });
  await compare({ graph, feeds: { x: ramp([1, 4, 5, 1]) } });
  const { importGraphDef } = await import('../import-graph-def.ts');
  const { model } = importGraphDef(graph.build(), { outputs: ['z'] });
  const epsilon = model.graph.nodes.find((node) => node.opType === 'BatchNormalization')?.attributes.get('epsilon');
  assert.deepEqual(epsilon, { kind: 'float', value: 1e-4 });
});

test('_FusedBatchNormEx: side input and Relu', async () => {
  const graph = withStatistics(3);
  graph.placeholder('side', 'DT_FLOAT', [-1, 4, 5, 3]);
  graph.node('y', '_FusedBatchNormEx', [...STATISTICS, 'side'], {
    is_training: false,
    epsilon: 0.001,
    activation_mode: 'Relu',
  });
  const plain = withStatistics(3);
  plain.placeholder('side', 'DT_FLOAT', [-1, 4, 5, 3]);
  plain.node('n', 'FusedBatchNormV3', STATISTICS, { is_training: false, epsilon: 0.001 });
  plain.node('s', 'AddV2', ['n', 'side']);
  plain.node('y', 'Relu', ['s']);
  const feeds = { x: ramp([2, 4, 5, 3]), side: ramp([2, 4, 5, 3], 11) };
  const { runOracle } = await import('../test-support/tfjs-oracle.ts');
  const [reference] = await runOracle(plain.build(), new Map(Object.entries(feeds)), ['y']);
  assert.ok(reference !== undefined);
  await compare({ graph, feeds, expected: [floats(reference.shape, reference.values)] });
});

test('BatchNormWithGlobalNormalization, with and without gamma', async () => {
  for (const scales of [true, false]) {
    const graph = withStatistics(2);
    graph.node('y', 'BatchNormWithGlobalNormalization', ['x', 'mean', 'variance', 'offset', 'scale'], {
      variance_epsilon: 0.001,
      scale_after_normalization: scales,
    });
    const x = ramp([1, 4, 5, 2]);
    const [mean, variance] = [ramp([2], 5).values, positive([2], 7).values];
    const [offset, scale] = [ramp([2], 3).values, ramp([2], 2).values];
    const expected = x.values.map((value, index) => {
      const channel = index % 2;
      const normal = (value - (mean[channel] as number)) / Math.sqrt((variance[channel] as number) + 0.001);
      return normal * (scales ? (scale[channel] as number) : 1) + (offset[channel] as number);
    });
    await compare({ graph, feeds: { x }, expected: [floats([1, 4, 5, 2], expected)] });
  }
});

test('a batch normalisation that trains is refused', () => {
  const graph = withStatistics(3);
  graph.node('y', 'FusedBatchNormV3', STATISTICS, {});
  assert.match(String(importError(graph)), /node 'y' \(FusedBatchNormV3\): is_training is true/);
});

test('BiasAdd over both layouts, BiasAddV1', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 2, 3]);
  graph.constant('b', ramp([3]));
  graph.node('y', 'BiasAdd', ['x', 'b'], { data_format: 'NHWC' });
  graph.node('v1', 'BiasAddV1', ['x', 'b']);
  await compare({ graph, feeds: { x: ramp([2, 2, 3]) } });
  const sums = ramp([2, 2, 3]).values.map((value, index) => value + (ramp([3]).values[index % 3] as number));
  await compare({ graph, feeds: { x: ramp([2, 2, 3]) }, outputs: ['v1'], expected: [floats([2, 2, 3], sums)] });
  const first = new TestGraph();
  first.placeholder('x', 'DT_FLOAT', [1, 2, 1, 2]);
  first.constant('b', floats([2], [10, 20]));
  first.node('y', 'BiasAdd', ['x', 'b'], { data_format: 'NCHW' });
  await compare({
    graph: first,
    feeds: { x: floats([1, 2, 1, 2], [1, 2, 3, 4]) },
    expected: [floats([1, 2, 1, 2], [11, 12, 23, 24])],
  });
});

test('LRN', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [1, 3, 3, 7]);
  graph.node('y', 'LRN', ['x'], { depth_radius: { int: 2 }, bias: 1.5, alpha: 0.3, beta: 0.75 });
  await compare({ graph, feeds: { x: ramp([1, 3, 3, 7]) } });
});
