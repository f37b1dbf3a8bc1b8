import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { bools, floats, ints, ramp } from '../test-support/tensors.ts';

test('values are passed through', async () => {
  const ops = ['Identity', 'StopGradient', 'PreventGradient', 'Snapshot', 'CheckNumerics', 'DebugGradientIdentity'];
  for (const op of ops) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 2]);
    graph.node('y', op, ['x']);
    await compare({ graph, feeds: { x: ramp([2, 2]) }, expected: [ramp([2, 2])] });
  }
  const graph = new TestGraph();
  graph.placeholder('a', 'DT_FLOAT', [2]);
  graph.placeholder('b', 'DT_INT32', [1]);
  graph.node('y', 'IdentityN', ['a', 'b']);
  const feeds = { a: ramp([2]), b: ints([1], [3]) };
  await compare({ graph, feeds, outputs: ['y:0', 'y:1'] });
});

test('Const as an output', async () => {
  const graph = new TestGraph();
  graph.constant('y', floats([2, 2], [1, 2, 3, 4]));
  await compare({ graph });
});

test('control inputs are not values', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2]);
  graph.node('check', 'Assert', ['x']);
  graph.node('y', 'Relu', ['x', '^check']);
  const expected = [
    floats(
      [2],
      ramp([2]).values.map((value) => Math.max(0, value)),
    ),
  ];
  await compare({ graph, feeds: { x: ramp([2]) }, expected });
});

test('PlaceholderWithDefault: its default unless it is an input', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2]);
  graph.constant('default', floats([], [10]));
  graph.node('factor', 'PlaceholderWithDefault', ['default'], { dtype: { type: 'DT_FLOAT' }, shape: { shape: [] } });
  graph.node('y', 'Mul', ['x', 'factor']);
  await compare({ graph, feeds: { x: floats([2], [1, 2]) }, expected: [floats([2], [10, 20])] });
  const { importGraphDef } = await import('../import-graph-def.ts');
  const { runOnnx } = await import('../test-support/differential.ts');
  const imported = importGraphDef(graph.build(), { inputs: [{ name: 'x' }, { name: 'factor' }], outputs: ['y'] });
  const feeds = { x: floats([2], [1, 2]), factor: floats([], [3]) };
  const [result] = await runOnnx(imported, new Map(Object.entries(feeds)));
  assert.deepEqual(result?.values, [3, 6]);
});

/** y = pred ? x * 2 : x + 1, as TensorFlow 1 writes it. */
function conditional(pred: number): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2]);
  graph.constant('pred', bools([], [pred]));
  graph.constant('two', floats([], [2]));
  graph.constant('one', floats([], [1]));
  graph.node('switch', 'Switch', ['x', 'pred'], { T: { type: 'DT_FLOAT' } });
  graph.node('then', 'Mul', ['switch:1', 'two'], { T: { type: 'DT_FLOAT' } });
  graph.node('else', 'AddV2', ['switch:0', 'one'], { T: { type: 'DT_FLOAT' } });
  graph.node('y', 'Merge', ['else', 'then'], { N: { int: 2 }, T: { type: 'DT_FLOAT' } });
  return graph;
}

test('Switch and Merge: a constant predicate chooses', async () => {
  const x = floats([2], [3, 4]);
  for (const [pred, values] of [
    [1, [6, 8]],
    [0, [4, 5]],
  ] as const) {
    const imported = await compare({ graph: conditional(pred), feeds: { x }, expected: [floats([2], values)] });
    assert.equal(imported.model.graph.nodes.length, 2);
    const which = { feeds: { x }, outputs: ['y:1', 'y'], expected: [ints([], [pred]), floats([2], values)] };
    await compare({ graph: conditional(pred), ...which });
  }
  assert.match(String(importError(conditional(1), ['else'])), /output 'else' is on a branch that is never taken/);
});

test('a predicate that only a run knows is refused', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2]);
  graph.placeholder('pred', 'DT_BOOL', []);
  graph.node('switch', 'Switch', ['x', 'pred']);
  graph.node('y', 'Merge', ['switch:0', 'switch:1'], { N: { int: 2 } });
  assert.match(String(importError(graph)), /node 'switch' \(Switch\): the predicate \(input 1\) must be a constant/);
});
