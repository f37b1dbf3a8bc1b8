import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { ints, ramp } from '../test-support/tensors.ts';

interface Variant {
  readonly op?: string;
  readonly paddings: readonly number[];
  readonly crops: readonly number[];
  readonly bias?: boolean;
  readonly strides?: readonly number[];
}

/** A dilated convolution as TensorFlow writes it, over (N, 7, 7, 2). */
function triple(variant: Variant): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 7, 7, 2]);
  graph.constant('block', ints([2], [2, 2]));
  graph.constant('paddings', ints([2, 2], variant.paddings));
  graph.constant('crops', ints([2, 2], variant.crops));
  graph.constant('w', ramp([3, 3, 2, 2], 3));
  graph.constant('b', ramp([variant.op === undefined ? 2 : 4], 5));
  graph.node('s', 'SpaceToBatchND', ['x', 'block', 'paddings']);
  graph.node('c', variant.op ?? 'Conv2D', ['s', 'w'], {
    strides: [...(variant.strides ?? [1, 1, 1, 1])],
    padding: 'VALID',
    data_format: 'NHWC',
    dilations: [1, 1, 1, 1],
  });
  if (variant.bias === true) graph.node('d', 'BiasAdd', ['c', 'b'], { data_format: 'NHWC' });
  graph.node('y', 'BatchToSpaceND', [variant.bias === true ? 'd' : 'c', 'block', 'crops']);
  return graph;
}

test('the three nodes become one convolution with the same result', async () => {
  for (const variant of [
    { paddings: [2, 3, 2, 3], crops: [0, 1, 0, 1] },
    { paddings: [0, 1, 0, 1], crops: [0, 0, 0, 0] },
    { paddings: [2, 3, 2, 3], crops: [0, 1, 0, 1], bias: true },
    { op: 'DepthwiseConv2dNative', paddings: [2, 3, 2, 3], crops: [0, 1, 0, 1], bias: true },
  ]) {
    const imported = await compare({ graph: triple(variant), feeds: { x: ramp([2, 7, 7, 2]) } });
    const operators = imported.model.graph.nodes.map((node) => node.opType);
    assert.deepEqual(
      operators.filter((operator) => operator !== 'Transpose' && operator !== 'Add'),
      ['Conv', 'Identity'],
    );
    const dilations = imported.model.graph.nodes.find((node) => node.opType === 'Conv')?.attributes.get('dilations');
    assert.deepEqual(dilations, { kind: 'ints', value: [2n, 2n] });
  }
});

test('in doubt the nodes stay, with the same result', async () => {
  const isKept = async (graph: TestGraph, outputs: readonly string[] = ['y']): Promise<void> => {
    const imported = await compare({ graph, feeds: { x: ramp([1, 7, 7, 2]) }, outputs });
    const dilations = imported.model.graph.nodes.find((node) => node.opType === 'Conv')?.attributes.get('dilations');
    assert.deepEqual(dilations, { kind: 'ints', value: [1n, 1n] });
  };
  await isKept(triple({ paddings: [1, 2, 1, 2], crops: [2, 0, 0, 0] }));
  await isKept(triple({ paddings: [2, 3, 2, 3], crops: [0, 0, 0, 0], strides: [1, 2, 2, 1] }));
  await isKept(triple({ paddings: [2, 3, 2, 3], crops: [0, 1, 0, 1] }), ['c', 'y']);
});
