import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { bools, floats, ints, ramp, type TestTensor, tensor } from '../test-support/tensors.ts';

function reduceGraph(op: string, x: TestTensor, axes: readonly number[], keepDims: boolean): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', x.type, [-1, ...x.shape.slice(1)]);
  graph.constant('axes', ints([axes.length], axes));
  graph.node('y', op, ['x', 'axes'], { keep_dims: keepDims });
  return graph;
}

test('reductions over one axis, several, the last, none', async () => {
  const x = ramp([2, 3, 4, 5]);
  for (const op of ['Mean', 'Sum', 'Prod', 'Max', 'Min']) {
    for (const axes of [[1, 2], [-1], [0], [0, 1, 2, 3], []]) {
      for (const keepDims of [true, false]) await compare({ graph: reduceGraph(op, x, axes, keepDims), feeds: { x } });
    }
  }
});

test('reductions of integers', async () => {
  const x = ints([2, 3], [1, -2, 3, 4, 5, -6]);
  for (const op of ['Sum', 'Prod', 'Max', 'Min'])
    await compare({ graph: reduceGraph(op, x, [1], false), feeds: { x } });
  const bytes = tensor('DT_UINT8', [2, 2], [200, 100, 3, 4]);
  const sums = [tensor('DT_UINT8', [2], [44, 7])];
  await compare({ graph: reduceGraph('Sum', bytes, [1], false), feeds: { x: bytes }, expected: sums });
});

test('an axis given as a scalar', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2, 3]);
  graph.constant('axis', ints([], [1]));
  graph.node('y', 'Mean', ['x', 'axis'], { keep_dims: false });
  await compare({ graph, feeds: { x: ramp([2, 3]) } });
});

test('Any and All, also of nothing', async () => {
  const x = bools([2, 3], [0, 0, 1, 1, 1, 1]);
  for (const op of ['Any', 'All']) {
    for (const keepDims of [true, false]) await compare({ graph: reduceGraph(op, x, [1], keepDims), feeds: { x } });
    const none = bools([2, 0], []);
    const expected = [bools([2], op === 'All' ? [1, 1] : [0, 0])];
    await compare({ graph: reduceGraph(op, none, [1], false), feeds: { x: none }, expected });
  }
});

test('EuclideanNorm', async () => {
  const x = floats([2, 2], [3, 4, 5, 12]);
  await compare({ graph: reduceGraph('EuclideanNorm', x, [1], false), feeds: { x }, expected: [floats([2], [5, 13])] });
});

test('ArgMax and ArgMin take the first of equals, as int64 or int32', async () => {
  for (const op of ['ArgMax', 'ArgMin']) {
    for (const type of ['DT_INT64', 'DT_INT32'] as const) {
      const graph = new TestGraph();
      graph.placeholder('x', 'DT_FLOAT', [-1, 4]);
      graph.constant('axis', ints([], [-1]));
      graph.node('y', op, ['x', 'axis'], { output_type: { type } });
      await compare({ graph, feeds: { x: floats([2, 4], [1, 5, 5, 2, 3, 3, 1, 1]) }, types: [type] });
    }
  }
});

test('axes that are computed, double or outside are refused', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2, 3]);
  graph.placeholder('axes', 'DT_INT32', [-1]);
  graph.node('y', 'Mean', ['x', 'axes'], {});
  assert.match(String(importError(graph)), /node 'y' \(Mean\): the axes \(input 1\) must be a constant/);
  const x = ramp([2, 3]);
  assert.match(String(importError(reduceGraph('Sum', x, [1, -1], false))), /an axis is given twice/);
  assert.match(String(importError(reduceGraph('Sum', x, [2], false))), /axis 2 is outside rank 2/);
});
