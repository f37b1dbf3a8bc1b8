import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { bools, floats, ints, type TestTensor } from '../test-support/tensors.ts';

function unaryGraph(op: string, x: TestTensor): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', x.type, [-1]);
  graph.node('y', op, ['x']);
  return graph;
}

/** Of both signs, ties of rounding, and what is not a number. */
const ANY = floats(
  [13],
  [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -3, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 3, 1e4],
);
const SMALL = floats([7], [-2, -1, -0.25, 0, 0.25, 1, 2]);
const UNIT = floats([5], [-0.9, -0.5, 0, 0.5, 0.9]);
const POSITIVE = floats([5], [0.1, 0.5, 1, 2, 100]);

test('defined everywhere', async () => {
  for (const op of ['Abs', 'Neg', 'Floor', 'Ceil', 'Round', 'Square']) {
    await compare({ graph: unaryGraph(op, ANY), feeds: { x: ANY } });
  }
  for (const op of ['Sign', 'Exp', 'Erf', 'Sin', 'Cos', 'Tan', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Expm1']) {
    await compare({ graph: unaryGraph(op, SMALL), feeds: { x: SMALL } });
  }
});

test('defined on a part of the reals', async () => {
  for (const op of ['Log', 'Sqrt', 'Rsqrt', 'Log1p', 'Reciprocal']) {
    await compare({ graph: unaryGraph(op, POSITIVE), feeds: { x: POSITIVE } });
  }
  for (const op of ['Asin', 'Acos', 'Atanh']) await compare({ graph: unaryGraph(op, UNIT), feeds: { x: UNIT } });
  const above = floats([3], [1, 1.5, 20]);
  await compare({ graph: unaryGraph('Acosh', above), feeds: { x: above } });
});

test('under names that TensorFlow.js does not know', async () => {
  const halves = floats([4], [-1.5, 0.5, 1.5, 2.5]);
  await compare({ graph: unaryGraph('Rint', halves), feeds: { x: halves }, expected: [floats([4], [-2, 0, 2, 2])] });
  const quarters = floats([2], [4, -0.25]);
  await compare({ graph: unaryGraph('Inv', quarters), feeds: { x: quarters }, expected: [floats([2], [0.25, -4])] });
});

test('tests for NaN and infinity', async () => {
  const odd = floats([4], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]);
  for (const op of ['IsNan', 'IsInf', 'IsFinite']) await compare({ graph: unaryGraph(op, odd), feeds: { x: odd } });
  const half = { ...odd, type: 'DT_HALF' as const };
  await compare({ graph: unaryGraph('IsInf', half), feeds: { x: half }, expected: [bools([4], [0, 1, 1, 0])] });
});

test('integers', async () => {
  const x = ints([5], [-7, -1, 0, 3, 2 ** 30]);
  for (const op of ['Abs', 'Neg', 'Sign']) await compare({ graph: unaryGraph(op, x), feeds: { x } });
});
