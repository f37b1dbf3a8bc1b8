import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataType } from '../data-type.ts';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ramp, type TestTensor, tensor } from '../test-support/tensors.ts';

function binaryGraph(op: string, a: TestTensor, b: TestTensor): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('a', a.type, [-1, ...a.shape.slice(1)]);
  graph.placeholder('b', b.type, b.shape);
  graph.node('y', op, ['a', 'b'], { T: { type: a.type } });
  return graph;
}

const REALS = floats([2, 4], [7.5, -7.5, 7.5, -7.5, 3, -3, 0.25, -1]);
const DIVISORS = floats([2, 4], [2, 2, -2, -2, 1.5, -1.5, 8, 0.3]);
const WHOLES = tensor('DT_INT32', [2, 4], [7, -7, 7, -7, 6, -6, 0, 1]);
const WHOLE_DIVISORS = tensor('DT_INT32', [2, 4], [2, 2, -2, -2, 3, 3, 5, -4]);

test('operators of two reals', async () => {
  const ops = ['Add', 'AddV2', 'Sub', 'Mul', 'RealDiv', 'Div', 'Maximum', 'Minimum', 'FloorMod', 'SquaredDifference'];
  for (const op of ops) await compare({ graph: binaryGraph(op, REALS, DIVISORS), feeds: { a: REALS, b: DIVISORS } });
  const powers = { a: floats([2, 2], [2, 3, 0.5, 9]), b: floats([2], [3, 0.5]) };
  await compare({ graph: binaryGraph('Pow', powers.a, powers.b), feeds: powers });
});

test('operators of two 32-bit integers', async () => {
  for (const op of ['AddV2', 'Sub', 'Mul', 'Maximum', 'Minimum', 'FloorDiv', 'FloorMod', 'SquaredDifference']) {
    await compare({ graph: binaryGraph(op, WHOLES, WHOLE_DIVISORS), feeds: { a: WHOLES, b: WHOLE_DIVISORS } });
  }
});

test('operators of integers of other widths wrap and round as TensorFlow does', async () => {
  const cases: [string, DataType, number[], number[], number[]][] = [
    ['AddV2', 'DT_INT64', [2 ** 40, -5], [2 ** 40, 7], [2 ** 41, 2]],
    ['Mul', 'DT_UINT8', [200, 3], [2, 4], [144, 12]],
    ['Sub', 'DT_INT8', [-100, 5], [100, 6], [56, -1]],
    ['Maximum', 'DT_INT16', [-5, 300], [4, -300], [4, 300]],
    ['Minimum', 'DT_UINT16', [65535, 2], [4, 3], [4, 2]],
    ['FloorDiv', 'DT_INT64', [-7, 7], [2, 2], [-4, 3]],
    ['FloorDiv', 'DT_UINT8', [250, 7], [4, 2], [62, 3]],
    ['FloorMod', 'DT_INT64', [-7, 7], [3, -3], [2, -2]],
    ['TruncateDiv', 'DT_INT32', [-7, 7], [2, 2], [-3, 3]],
    ['TruncateMod', 'DT_INT32', [-7, 7], [3, -3], [-1, 1]],
    ['Div', 'DT_INT32', [-7, 7], [2, 2], [-3, 3]],
  ];
  for (const [op, type, a, b, expected] of cases) {
    const [left, right] = [tensor(type, [2], a), tensor(type, [2], b)];
    await compare({
      graph: binaryGraph(op, left, right),
      feeds: { a: left, b: right },
      expected: [tensor(type, [2], expected)],
    });
  }
});

test('remainders and quotients of reals that TensorFlow.js lacks or gives another type', async () => {
  const [a, b] = [floats([4], [7.5, -7.5, 7.5, -7.5]), floats([4], [2, 2, -2, -2])];
  const cases: [string, number[]][] = [
    ['Mod', [1.5, -1.5, 1.5, -1.5]],
    ['TruncateMod', [1.5, -1.5, 1.5, -1.5]],
    ['TruncateDiv', [3, -3, -3, 3]],
    ['FloorDiv', [3, -4, -4, 3]],
  ];
  for (const [op, expected] of cases) {
    await compare({ graph: binaryGraph(op, a, b), feeds: { a, b }, expected: [floats([4], expected)] });
  }
});

test('half and bfloat16 keep their type', async () => {
  for (const type of ['DT_HALF', 'DT_BFLOAT16', 'DT_DOUBLE'] as const) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [3]);
    graph.node('c', 'Cast', ['x'], { DstT: { type }, SrcT: { type: 'DT_FLOAT' } });
    graph.constant('k', tensor(type, [], [0.5]));
    graph.node('m', 'Mul', ['c', 'k']);
    graph.node('y', 'Cast', ['m'], { DstT: { type: 'DT_FLOAT' }, SrcT: { type } });
    const feeds = { x: floats([3], [1, -2, 0.125]) };
    await compare({ graph, feeds, expected: [floats([3], [0.5, -1, 0.0625])] });
  }
});

test('broadcasting in both directions, with unknown sizes', async () => {
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [-1, 1, 3]);
  graph.placeholder('b', 'DT_FLOAT', [4, -1]);
  graph.node('y', 'AddV2', ['a', 'b']);
  await compare({ graph, feeds: { a: ramp([2, 1, 3]), b: ramp([4, 3], 3) } });
  await compare({ graph, feeds: { a: ramp([2, 1, 3]), b: ramp([4, 1], 3) } });
});

test('NaN passes through maxima and minima', async () => {
  const a = floats([3], [Number.NaN, 1, Number.NEGATIVE_INFINITY]);
  const b = floats([3], [1, Number.NaN, 0]);
  for (const op of ['Maximum', 'Minimum']) await compare({ graph: binaryGraph(op, a, b), feeds: { a, b } });
});

test('division that does not make NaN', async () => {
  const [a, b] = [floats([4], [1, 0, 4, 2]), floats([4], [0, 0, 2, Number.POSITIVE_INFINITY])];
  await compare({ graph: binaryGraph('DivNoNan', a, b), feeds: { a, b } });
  const cases: [string, number[], number[], number[]][] = [
    ['MulNoNan', [Number.NaN, 2, Number.POSITIVE_INFINITY], [0, 3, 0], [0, 6, 0]],
    ['Xdivy', [0, 6, 0], [0, 3, Number.NaN], [0, 2, 0]],
    ['Xlogy', [0, 2, 0], [0, 1, Number.NaN], [0, 0, 0]],
  ];
  for (const [op, left, right, expected] of cases) {
    const [x, y] = [floats([3], left), floats([3], right)];
    await compare({ graph: binaryGraph(op, x, y), feeds: { a: x, b: y }, expected: [floats([3], expected)] });
  }
});

test('AddN, with one term and with three', async () => {
  for (const count of [1, 3]) {
    const graph = new TestGraph();
    const names = ['a', 'b', 'c'].slice(0, count).map((name) => graph.placeholder(name, 'DT_FLOAT', [2, 2]));
    graph.node('y', 'AddN', names, { N: { int: count }, T: { type: 'DT_FLOAT' } });
    await compare({ graph, feeds: Object.fromEntries(names.map((name, index) => [name, ramp([2, 2], index + 1)])) });
  }
});

test('ClipByValue', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [4]);
  graph.constant('low', floats([], [-1]));
  graph.constant('high', floats([], [1]));
  graph.node('y', 'ClipByValue', ['x', 'low', 'high']);
  const feeds = { x: floats([4], [-5, -1, 0.5, 7]) };
  await compare({ graph, feeds, expected: [floats([4], [-1, -1, 0.5, 1])] });
});

test('shapes that do not broadcast are refused', () => {
  const error = importError(binaryGraph('Mul', floats([1, 3], [1, 2, 3]), floats([4], [1, 2, 3, 4])));
  assert.match(String(error), /node 'y' \(Mul\): shapes \[-1,3\] and \[4\] do not broadcast/);
});
