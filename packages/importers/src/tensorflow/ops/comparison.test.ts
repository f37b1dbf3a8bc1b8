import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { bools, floats, ints, type TestTensor, tensor } from '../test-support/tensors.ts';

function binaryGraph(op: string, a: TestTensor, b: TestTensor): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('a', a.type, a.shape);
  graph.placeholder('b', b.type, b.shape);
  graph.node('y', op, ['a', 'b']);
  return graph;
}

test('comparisons, also with NaN and broadcasting', async () => {
  for (const op of ['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual']) {
    const [a, b] = [floats([4], [1, 2, 3, Number.NaN]), floats([4], [2, 2, 2, Number.NaN])];
    await compare({ graph: binaryGraph(op, a, b), feeds: { a, b } });
    const [m, n] = [ints([2, 1], [1, 2]), ints([3], [0, 1, 2])];
    await compare({ graph: binaryGraph(op, m, n), feeds: { a: m, b: n } });
  }
});

test('comparisons of narrow and wide integers', async () => {
  const [a, b] = [tensor('DT_UINT8', [3], [1, 200, 3]), tensor('DT_UINT8', [3], [1, 100, 4])];
  await compare({ graph: binaryGraph('Greater', a, b), feeds: { a, b }, expected: [bools([3], [0, 1, 0])] });
  const [m, n] = [tensor('DT_INT64', [2], [2 ** 40, 5]), tensor('DT_INT64', [2], [2 ** 40 + 1, 5])];
  await compare({ graph: binaryGraph('Equal', m, n), feeds: { a: m, b: n }, expected: [bools([2], [0, 1])] });
});

test('logic', async () => {
  const [a, b] = [bools([4], [0, 0, 1, 1]), bools([4], [0, 1, 0, 1])];
  for (const op of ['LogicalAnd', 'LogicalOr']) await compare({ graph: binaryGraph(op, a, b), feeds: { a, b } });
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_BOOL', [-1]);
  graph.node('y', 'LogicalNot', ['a']);
  await compare({ graph, feeds: { a } });
});

test('strings are not compared', () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_STRING', [2]);
  graph.node('y', 'Equal', ['a', 'a']);
  assert.match(String(importError(graph)), /node 'y' \(Equal\): comparison of strings/);
});
