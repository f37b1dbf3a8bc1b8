import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { bools, floats, ints, ramp, tensor } from '../test-support/tensors.ts';

test('GatherV2 along every axis, Gather along the first', async () => {
  for (const axis of [0, 1, -1]) {
    for (const indices of [ints([2, 2], [0, 2, 1, 1]), ints([], [1])]) {
      const graph = new TestGraph();
      graph.placeholder('x', 'DT_FLOAT', [-1, 3, 4]);
      graph.placeholder('i', 'DT_INT32', indices.shape);
      graph.constant('axis', ints([], [axis]));
      graph.node('y', 'GatherV2', ['x', 'i', 'axis'], { batch_dims: { int: 0 } });
      await compare({ graph, feeds: { x: ramp([3, 3, 4]), i: indices } });
    }
  }
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [3, 2]);
  graph.constant('i', tensor('DT_INT64', [2], [2, 0]));
  graph.node('y', 'Gather', ['x', 'i']);
  await compare({ graph, feeds: { x: floats([3, 2], [1, 2, 3, 4, 5, 6]) }, expected: [floats([2, 2], [5, 6, 1, 2])] });
});

test('GatherNd with whole and partial indices', async () => {
  for (const indices of [ints([2, 2], [0, 1, 2, 0]), ints([2, 1], [2, 1]), ints([1, 2, 3], [0, 1, 2, 2, 0, 3])]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [3, 3, 4]);
    graph.placeholder('i', 'DT_INT32', indices.shape);
    graph.node('y', 'GatherNd', ['x', 'i']);
    await compare({ graph, feeds: { x: ramp([3, 3, 4]), i: indices } });
  }
});

test('OneHot: any axis, values outside of the range', async () => {
  for (const axis of [-1, 0]) {
    const graph = new TestGraph();
    graph.placeholder('i', 'DT_INT32', [-1]);
    graph.constant('depth', ints([], [3]));
    graph.constant('on', floats([], [5]));
    graph.constant('off', floats([], [-1]));
    graph.node('y', 'OneHot', ['i', 'depth', 'on', 'off'], { axis: { int: axis }, T: { type: 'DT_FLOAT' } });
    const rows = [
      [-1, 5, -1],
      [-1, -1, 5],
      [-1, -1, -1],
      [-1, -1, -1],
    ];
    const values = axis === 0 ? [0, 1, 2].flatMap((column) => rows.map((row) => row[column] as number)) : rows.flat();
    const expected = [floats(axis === 0 ? [3, 4] : [4, 3], values)];
    await compare({ graph, feeds: { i: ints([4], [1, 2, -1, 3]) }, expected });
  }
});

test('TopKV2: values and places of the largest', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 5]);
  graph.constant('k', ints([], [3]));
  graph.node('y', 'TopKV2', ['x', 'k'], { sorted: true });
  const x = floats([2, 5], [1, 4, 2, 4, 3, -1, -5, 0, 7, 6]);
  await compare({ graph, feeds: { x }, outputs: ['y:0', 'y:1'] });
});

test('Cumsum: exclusive and reverse', async () => {
  for (const exclusive of [true, false]) {
    for (const reverse of [true, false]) {
      const graph = new TestGraph();
      graph.placeholder('x', 'DT_FLOAT', [-1, 4]);
      graph.constant('axis', ints([], [1]));
      graph.node('y', 'Cumsum', ['x', 'axis'], { exclusive, reverse });
      await compare({ graph, feeds: { x: ramp([2, 4]) } });
    }
  }
});

test('Where lists the places that are true', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_BOOL', [2, 3]);
  graph.node('y', 'Where', ['x']);
  await compare({ graph, feeds: { x: bools([2, 3], [0, 1, 0, 1, 0, 1]) }, types: ['DT_INT64'] });
  await compare({ graph, feeds: { x: bools([2, 3], [0, 0, 0, 0, 0, 0]) }, expected: [tensor('DT_INT64', [0, 2], [])] });
});

test('batch_dims is refused', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2, 3]);
  graph.placeholder('i', 'DT_INT32', [2, 1]);
  graph.constant('axis', ints([], [1]));
  graph.node('y', 'GatherV2', ['x', 'i', 'axis'], { batch_dims: { int: 1 } });
  assert.match(String(importError(graph)), /node 'y' \(GatherV2\): batch_dims/);
});
