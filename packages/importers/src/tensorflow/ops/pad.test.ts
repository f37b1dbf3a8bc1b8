import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp, tensor } from '../test-support/tensors.ts';

function padGraph(op: string, paddings: readonly number[], more: { mode?: string; value?: number } = {}): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 4, 3]);
  graph.constant('paddings', ints([3, 2], paddings));
  const inputs = ['x', 'paddings'];
  if (more.value !== undefined) inputs.push(graph.constant('value', floats([], [more.value])));
  graph.node('y', op, inputs, more.mode === undefined ? {} : { mode: more.mode });
  return graph;
}

test('Pad and PadV2', async () => {
  const feeds = { x: ramp([2, 4, 3]) };
  await compare({ graph: padGraph('Pad', [0, 0, 1, 2, 3, 0]), feeds });
  await compare({ graph: padGraph('PadV2', [1, 0, 0, 0, 0, 2], { value: -7 }), feeds });
});

test('Pad: paddings that only a run knows, and integers', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2, 2]);
  graph.placeholder('paddings', 'DT_INT32', [2, 2]);
  graph.node('y', 'Pad', ['x', 'paddings']);
  await compare({
    graph,
    feeds: { x: floats([2, 2], [1, 2, 3, 4]), paddings: ints([2, 2], [1, 0, 0, 2]) },
    expected: [floats([3, 4], [0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0])],
  });
  const whole = new TestGraph();
  whole.placeholder('x', 'DT_INT16', [2]);
  whole.constant('paddings', ints([1, 2], [1, 1]));
  whole.node('y', 'Pad', ['x', 'paddings']);
  const expected = [tensor('DT_INT16', [4], [0, 5, -6, 0])];
  await compare({ graph: whole, feeds: { x: tensor('DT_INT16', [2], [5, -6]) }, expected });
});

test('MirrorPad: with and without the edge', async () => {
  for (const mode of ['REFLECT', 'SYMMETRIC']) {
    for (const paddings of [
      [0, 0, 2, 1, 0, 2],
      [0, 0, 0, 3, 1, 1],
    ]) {
      await compare({ graph: padGraph('MirrorPad', paddings, { mode }), feeds: { x: ramp([2, 4, 3]) } });
    }
  }
});

test('paddings that cannot be are refused', () => {
  assert.match(String(importError(padGraph('Pad', [0, 0, -1, 0, 0, 0]))), /paddings \[0,0,-1,0,0,0\] are negative/);
  const large = padGraph('MirrorPad', [0, 0, 5, 0, 0, 0], { mode: 'SYMMETRIC' });
  assert.match(String(importError(large)), /paddings \[5, 0\] of 4 elements on axis 1/);
  const batch = padGraph('MirrorPad', [1, 0, 0, 0, 0, 0], { mode: 'SYMMETRIC' });
  assert.match(String(importError(batch)), /the size of a mirrored axis must be known/);
});
