import { test } from 'node:test';
import type { DataType } from '../data-type.ts';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { bools, floats, ramp, type TestTensor, tensor } from '../test-support/tensors.ts';

function selectGraph(op: string, condition: TestTensor, a: TestTensor, b: TestTensor): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('c', 'DT_BOOL', condition.shape);
  graph.placeholder('a', a.type, a.shape);
  graph.placeholder('b', b.type, b.shape);
  graph.node('y', op, ['c', 'a', 'b']);
  return graph;
}

test('Select by element, by row and as a whole', async () => {
  const [a, b] = [ramp([2, 3]), ramp([2, 3], 5)];
  const each = bools([2, 3], [1, 0, 1, 0, 0, 1]);
  await compare({ graph: selectGraph('Select', each, a, b), feeds: { c: each, a, b } });
  // TensorFlow.js has rows and wholes only in later versions of the operation.
  const rows = bools([2], [1, 0]);
  const chosen = floats([2, 3], [...a.values.slice(0, 3), ...b.values.slice(3)]);
  await compare({ graph: selectGraph('Select', rows, a, b), feeds: { c: rows, a, b }, expected: [chosen] });
  const c = bools([], [0]);
  await compare({ graph: selectGraph('Select', c, a, b), feeds: { c, a, b }, expected: [b] });
});

test('SelectV2 broadcasts', async () => {
  const feeds = { c: bools([3], [1, 0, 1]), a: ramp([2, 3]), b: floats([2, 1], [8, 9]) };
  await compare({ graph: selectGraph('SelectV2', feeds.c, feeds.a, feeds.b), feeds });
});

test('types that ONNX Runtime does not select among are selected all the same', async () => {
  for (const type of ['DT_BOOL', 'DT_INT8', 'DT_UINT16', 'DT_INT64'] as const) {
    const feeds = { c: bools([2], [1, 0]), a: tensor(type, [2], [1, 1]), b: tensor(type, [2], [0, 0]) };
    await compare({
      graph: selectGraph('SelectV2', feeds.c, feeds.a, feeds.b),
      feeds,
      expected: [tensor(type, [2], [1, 0])],
    });
  }
});

test('Cast between all kinds', async () => {
  const x = floats([5], [-1.7, 0, 0.4, 1.9, 100]);
  const cases: [DataType, number[]][] = [
    ['DT_INT32', [-1, 0, 0, 1, 100]],
    ['DT_INT64', [-1, 0, 0, 1, 100]],
    ['DT_INT8', [-1, 0, 0, 1, 100]],
    ['DT_BOOL', [1, 0, 1, 1, 1]],
    ['DT_DOUBLE', x.values.map(Math.fround)],
  ];
  for (const [type, expected] of cases) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1]);
    graph.node('y', 'Cast', ['x'], { SrcT: { type: 'DT_FLOAT' }, DstT: { type } });
    await compare({ graph, feeds: { x }, expected: [tensor(type, [5], expected)] });
    const constant = new TestGraph();
    constant.constant('x', x);
    constant.node('y', 'Cast', ['x'], { SrcT: { type: 'DT_FLOAT' }, DstT: { type } });
    await compare({ graph: constant, expected: [tensor(type, [5], expected)] });
  }
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_BOOL', [2]);
  graph.node('y', 'Cast', ['x'], { SrcT: { type: 'DT_BOOL' }, DstT: { type: 'DT_FLOAT' } });
  await compare({ graph, feeds: { x: bools([2], [0, 1]) } });
});
