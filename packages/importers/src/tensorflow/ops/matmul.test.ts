import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ramp, tensor } from '../test-support/tensors.ts';

test('MatMul: all four transposes, an empty batch', async () => {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const graph = new TestGraph();
      graph.placeholder('a', 'DT_FLOAT', transposeA ? [4, -1] : [-1, 4]);
      graph.constant('b', ramp(transposeB ? [2, 4] : [4, 2], 3));
      graph.node('y', 'MatMul', ['a', 'b'], { transpose_a: transposeA, transpose_b: transposeB });
      await compare({ graph, feeds: { a: ramp(transposeA ? [4, 3] : [3, 4]) } });
    }
  }
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [-1, 4]);
  graph.constant('b', ramp([4, 2]));
  graph.node('y', 'MatMul', ['a', 'b']);
  await compare({ graph, feeds: { a: floats([0, 4], []) }, expected: [floats([0, 2], [])] });
});

test('MatMul of integers', async () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_INT32', [2, 2]);
  graph.placeholder('b', 'DT_INT32', [2, 1]);
  graph.node('y', 'MatMul', ['a', 'b']);
  const feeds = { a: tensor('DT_INT32', [2, 2], [1, 2, 3, 4]), b: tensor('DT_INT32', [2, 1], [5, 6]) };
  await compare({ graph, feeds, expected: [tensor('DT_INT32', [2, 1], [17, 39])] });
});

test('BatchMatMul in all versions, with adjoints and broadcasting', async () => {
  for (const op of ['BatchMatMul', 'BatchMatMulV2']) {
    for (const [adjX, adjY] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      const graph = new TestGraph();
      graph.placeholder('a', 'DT_FLOAT', adjX ? [2, 4, 3] : [2, 3, 4]);
      graph.placeholder('b', 'DT_FLOAT', adjY ? [2, 5, 4] : [2, 4, 5]);
      graph.node('y', op, ['a', 'b'], { adj_x: adjX, adj_y: adjY });
      await compare({
        graph,
        feeds: { a: ramp(adjX ? [2, 4, 3] : [2, 3, 4]), b: ramp(adjY ? [2, 5, 4] : [2, 4, 5], 3) },
      });
    }
  }
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [-1, 1, 2, 2]);
  graph.constant('b', floats([3, 2, 1], [1, 0, 0, 1, 1, 1]));
  graph.node('y', 'BatchMatMulV3', ['a', 'b']);
  await compare({
    graph,
    feeds: { a: floats([1, 1, 2, 2], [1, 2, 3, 4]) },
    expected: [floats([1, 3, 2, 1], [1, 3, 2, 4, 3, 7])],
  });
});

test('Einsum', async () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [-1, 3, 4]);
  graph.placeholder('b', 'DT_FLOAT', [4, 5]);
  graph.node('y', 'Einsum', ['a', 'b'], { equation: 'abc,cd->abd', N: { int: 2 } });
  await compare({ graph, feeds: { a: ramp([2, 3, 4]), b: ramp([4, 5], 3) } });
});

test('operands that do not fit are refused', () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [2, 3]);
  graph.placeholder('b', 'DT_FLOAT', [4, 2]);
  graph.node('y', 'MatMul', ['a', 'b']);
  assert.match(String(importError(graph)), /node 'y' \(MatMul\): operands of shapes \[2,3\] and \[4,2\]/);
});
