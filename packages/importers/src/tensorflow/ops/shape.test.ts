import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp } from '../test-support/tensors.ts';

test('Shape of what is known and of what is not, in both types', async () => {
  for (const shape of [
    [2, 3],
    [-1, 3],
    [-1, -1],
  ]) {
    for (const type of ['DT_INT32', 'DT_INT64'] as const) {
      const graph = new TestGraph();
      graph.placeholder('x', 'DT_FLOAT', shape);
      graph.node('y', 'Shape', ['x'], { out_type: { type } });
      await compareFed(graph, shape, type);
    }
  }
});

async function compareFed(graph: TestGraph, shape: readonly number[], type: 'DT_INT32' | 'DT_INT64'): Promise<void> {
  const imported = await compare({ graph, feeds: { x: ramp([2, 3]) }, types: [type] });
  const hasShape = imported.model.graph.nodes.some((node) => node.opType === 'Shape');
  assert.equal(hasShape, shape.includes(-1));
}

test('ShapeN, Rank and Size', async () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [-1, 3]);
  graph.placeholder('b', 'DT_FLOAT', [2]);
  graph.node('s', 'ShapeN', ['a', 'b'], { N: { int: 2 } });
  graph.node('r', 'Rank', ['a']);
  graph.node('n', 'Size', ['a']);
  const feeds = { a: ramp([4, 3]), b: ramp([2]) };
  await compare({
    graph,
    feeds,
    outputs: ['s:0', 's:1', 'r'],
    expected: [ints([2], [4, 3]), ints([1], [2]), ints([], [2])],
  });
  await compare({ graph, feeds, outputs: ['n'] });
});

test('Reshape: constant, with -1, computed, of nothing', async () => {
  for (const dims of [[6, 2], [-1], [3, -1], [2, 2, 3], [-1, 1, 12]]) {
    for (const shape of [
      [3, 4],
      [-1, 4],
    ]) {
      const graph = new TestGraph();
      graph.placeholder('x', 'DT_FLOAT', shape);
      graph.constant('dims', ints([dims.length], dims));
      graph.node('y', 'Reshape', ['x', 'dims']);
      await compare({ graph, feeds: { x: ramp([3, 4]) } });
    }
  }
  const computed = new TestGraph();
  computed.placeholder('x', 'DT_FLOAT', [-1, 4]);
  computed.placeholder('dims', 'DT_INT32', [2]);
  computed.node('y', 'Reshape', ['x', 'dims']);
  await compare({ graph: computed, feeds: { x: ramp([3, 4]), dims: ints([2], [2, -1]) } });
  const empty = new TestGraph();
  empty.placeholder('x', 'DT_FLOAT', [-1, 4]);
  empty.constant('dims', ints([3], [-1, 2, 2]));
  empty.node('y', 'Reshape', ['x', 'dims']);
  await compare({ graph: empty, feeds: { x: floats([0, 4], []) }, expected: [floats([0, 2, 2], [])] });
  const zero = new TestGraph();
  zero.placeholder('x', 'DT_FLOAT', [0, 4]);
  zero.constant('dims', ints([2], [4, 0]));
  zero.node('y', 'Reshape', ['x', 'dims']);
  await compare({ graph: zero, feeds: { x: floats([0, 4], []) }, expected: [floats([4, 0], [])] });
});

test('a reshape by the batch, as Keras writes Flatten, is known but for the batch', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 2, 3]);
  graph.node('shape', 'Shape', ['x']);
  graph.constant('zero', ints([1], [0]));
  graph.constant('one', ints([1], [1]));
  graph.node('batch', 'StridedSlice', ['shape', 'zero', 'one', 'one'], { shrink_axis_mask: { int: 1 } });
  graph.constant('six', ints([], [6]));
  graph.node('dims', 'Pack', ['batch', 'six'], { axis: { int: 0 }, N: { int: 2 } });
  graph.node('y', 'Reshape', ['x', 'dims']);
  const imported = await compare({ graph, feeds: { x: ramp([4, 2, 3]) } });
  assert.deepEqual(
    imported.model.graph.nodes.map((node) => node.opType),
    ['Reshape', 'Identity'],
  );
  assert.deepEqual(imported.report.outputs[0]?.shape, [-1, 6]);
});

test('Squeeze and ExpandDims', async () => {
  for (const axes of [[], [1], [-1, 1]]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [2, 1, 3, 1]);
    graph.node('y', 'Squeeze', ['x'], { squeeze_dims: axes });
    await compare({ graph, feeds: { x: ramp([2, 1, 3, 1]) } });
  }
  for (const axis of [0, 1, -1]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 3]);
    graph.constant('axis', ints([], [axis]));
    graph.node('y', 'ExpandDims', ['x', 'axis']);
    await compare({ graph, feeds: { x: ramp([2, 3]) } });
  }
});

test('Transpose of values and of constants', async () => {
  for (const perm of [
    [0, 2, 1],
    [2, 0, 1],
    [0, 1, 2],
  ]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 3, 4]);
    graph.constant('perm', ints([3], perm));
    graph.node('y', 'Transpose', ['x', 'perm']);
    await compare({ graph, feeds: { x: ramp([2, 3, 4]) } });
    const constant = new TestGraph();
    constant.constant('x', ramp([2, 3, 4]));
    constant.constant('perm', ints([3], perm));
    constant.node('y', 'Transpose', ['x', 'perm']);
    await compare({ graph: constant });
  }
});

test('EnsureShape tells what the graph does not', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, -1]);
  graph.node('y', 'EnsureShape', ['x'], { shape: { shape: [-1, 3] } });
  const imported = await compare({ graph, feeds: { x: ramp([2, 3]) }, expected: [ramp([2, 3])] });
  assert.deepEqual(imported.report.outputs[0]?.shape, [-1, 3]);
});

test('shapes that cannot be are refused', () => {
  const reshape = (dims: readonly number[]): TestGraph => {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [2, 3]);
    graph.constant('dims', ints([dims.length], dims));
    graph.node('y', 'Reshape', ['x', 'dims']);
    return graph;
  };
  assert.match(String(importError(reshape([-1, -1]))), /the shape \[-1,-1\] has more than one -1/);
  assert.match(String(importError(reshape([4, -1]))), /\[2,3\] has 6 elements and cannot become \[4,-1\]/);
  assert.match(String(importError(reshape([7]))), /\[2,3\] has 6 elements and cannot become \[7\]/);
  const squeeze = new TestGraph();
  squeeze.placeholder('x', 'DT_FLOAT', [2, 3]);
  squeeze.node('y', 'Squeeze', ['x'], { squeeze_dims: [1] });
  assert.match(String(importError(squeeze)), /axis 1 of \[2,3\] is not of size 1/);
  const perm = new TestGraph();
  perm.placeholder('x', 'DT_FLOAT', [2, 3]);
  perm.constant('perm', ints([2], [0, 0]));
  perm.node('y', 'Transpose', ['x', 'perm']);
  assert.match(String(importError(perm)), /perm \[0,0\] for an input of rank 2/);
  const unknown = new TestGraph();
  unknown.placeholder('x', 'DT_FLOAT', undefined);
  unknown.node('y', 'Rank', ['x']);
  assert.match(String(importError(unknown)), /node 'y' \(Rank\): the rank of the input is not known/);
});
