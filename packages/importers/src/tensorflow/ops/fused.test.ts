import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { type TestAttribute, TestGraph } from '../test-support/graph.ts';
import { floats, positive, ramp } from '../test-support/tensors.ts';
import { runOracle } from '../test-support/tfjs-oracle.ts';

const CONV = { strides: [1, 1, 1, 1], padding: 'SAME', T: { type: 'DT_FLOAT' as const } };

function fusedConv(
  op: string,
  filter: readonly number[],
  args: readonly [string, readonly number[]][],
  attributes: Record<string, TestAttribute>,
) {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 5, 4, 2]);
  graph.constant('w', ramp(filter, 3));
  for (const [index, [name, shape]] of args.entries()) {
    graph.constant(name, name === 'variance' ? positive(shape, index + 5) : ramp(shape, index + 5));
  }
  const names = args.map(([name]) => name);
  graph.node('y', op, ['x', 'w', ...names], { ...CONV, num_args: { int: names.length }, ...attributes });
  return graph;
}

test('_FusedConv2D: bias and every activation', async () => {
  for (const [activation, extra] of [
    [undefined, {}],
    ['Relu', {}],
    ['Relu6', {}],
    ['Elu', {}],
    ['LeakyRelu', { leakyrelu_alpha: 0.3 }],
    ['Sigmoid', {}],
  ] as const) {
    const fused = activation === undefined ? ['BiasAdd'] : ['BiasAdd', activation];
    const graph = fusedConv('_FusedConv2D', [3, 3, 2, 3], [['b', [3]]], { fused_ops: fused, ...extra });
    await compare({ graph, feeds: { x: ramp([2, 5, 4, 2]) } });
  }
  const prelu = fusedConv(
    '_FusedConv2D',
    [3, 3, 2, 3],
    [
      ['b', [3]],
      ['slope', [3]],
    ],
    { fused_ops: ['BiasAdd', 'Prelu'] },
  );
  await compare({ graph: prelu, feeds: { x: ramp([1, 5, 4, 2]) } });
});

/** The fused node taken apart, for the oracle. */
async function reference(build: (graph: TestGraph) => void): Promise<ReturnType<typeof floats>> {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 5, 4, 2]);
  graph.constant('w', ramp([3, 3, 2, 3], 3));
  graph.node('c', 'Conv2D', ['x', 'w'], CONV);
  build(graph);
  const [result] = await runOracle(graph.build(), new Map([['x', ramp([1, 5, 4, 2])]]), ['y']);
  assert.ok(result !== undefined);
  return floats(result.shape, result.values);
}

test('_FusedConv2D: batch normalisation, and a sum with another tensor', async () => {
  const vector = [3];
  const normalized = fusedConv(
    '_FusedConv2D',
    [3, 3, 2, 3],
    [
      ['scale', vector],
      ['offset', vector],
      ['mean', vector],
      ['variance', vector],
    ],
    { fused_ops: ['FusedBatchNorm', 'Relu'], epsilon: 0.01 },
  );
  const expected = await reference((graph) => {
    for (const [index, name] of ['scale', 'offset', 'mean'].entries()) graph.constant(name, ramp(vector, index + 5));
    graph.constant('variance', positive(vector, 8));
    graph.node('n', 'FusedBatchNormV3', ['c', 'scale', 'offset', 'mean', 'variance'], {
      epsilon: 0.01,
      is_training: false,
    });
    graph.node('y', 'Relu', ['n']);
  });
  await compare({ graph: normalized, feeds: { x: ramp([1, 5, 4, 2]) }, expected: [expected] });

  const summed = fusedConv(
    '_FusedConv2D',
    [3, 3, 2, 3],
    [
      ['b', [3]],
      ['side', [1, 5, 4, 3]],
    ],
    {
      fused_ops: ['BiasAdd', 'Add', 'Relu'],
    },
  );
  const sum = await reference((graph) => {
    graph.constant('b', ramp([3], 5));
    graph.constant('side', ramp([1, 5, 4, 3], 6));
    graph.node('d', 'BiasAdd', ['c', 'b']);
    graph.node('s', 'AddV2', ['d', 'side']);
    graph.node('y', 'Relu', ['s']);
  });
  await compare({ graph: summed, feeds: { x: ramp([1, 5, 4, 2]) }, expected: [sum] });
});

test('FusedDepthwiseConv2dNative, under both names', async () => {
  const attributes = { fused_ops: ['BiasAdd', 'Relu6'] };
  const graph = fusedConv('FusedDepthwiseConv2dNative', [3, 3, 2, 2], [['b', [4]]], attributes);
  const { model } = await compare({ graph, feeds: { x: ramp([2, 5, 4, 2]) } });
  const { importGraphDef } = await import('../import-graph-def.ts');
  const other = fusedConv('_FusedDepthwiseConv2dNative', [3, 3, 2, 2], [['b', [4]]], attributes);
  const operators = (graph: typeof model.graph): string[] => graph.nodes.map((node) => node.opType);
  assert.deepEqual(operators(importGraphDef(other.build(), { outputs: ['y'] }).model.graph), operators(model.graph));
});

test('_FusedMatMul: transposes, bias and activation', async () => {
  for (const [transposeA, transposeB] of [
    [false, false],
    [true, false],
    [false, true],
  ] as const) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', transposeA ? [4, 3] : [3, 4]);
    graph.constant('w', ramp(transposeB ? [2, 4] : [4, 2], 3));
    graph.constant('b', ramp([2], 5));
    graph.node('y', '_FusedMatMul', ['x', 'w', 'b'], {
      transpose_a: transposeA,
      transpose_b: transposeB,
      fused_ops: ['BiasAdd', 'Relu'],
      num_args: { int: 1 },
    });
    await compare({ graph, feeds: { x: ramp(transposeA ? [4, 3] : [3, 4]) } });
  }
});

test('a fused operation that nobody knows is refused by name', () => {
  const graph = fusedConv('_FusedConv2D', [3, 3, 2, 3], [['b', [3]]], { fused_ops: ['BiasAdd', 'GeluApproximate'] });
  assert.match(String(importError(graph)), /node 'y' \(_FusedConv2D\): activation GeluApproximate/);
});
