import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { ints, ramp } from '../test-support/tensors.ts';

test('Concat and ConcatV2 along every axis', async () => {
  for (const axis of [0, 1, 2, -1]) {
    const shapes = [1, 2, 3].map((size) => [2, 3, 4].with(axis, size));
    for (const op of ['ConcatV2', 'Concat']) {
      const graph = new TestGraph();
      const names = shapes.map((shape, index) => graph.placeholder(`x${index}`, 'DT_FLOAT', shape));
      graph.constant('axis', ints([], [axis]));
      graph.node('y', op, op === 'Concat' ? ['axis', ...names] : [...names, 'axis'], { N: { int: 3 } });
      const feeds = Object.fromEntries(names.map((name, index) => [name, ramp(shapes[index] as number[], index + 1)]));
      await compare({ graph, feeds });
    }
  }
});

test('Pack and Unpack along every axis', async () => {
  for (const axis of [0, 1, -1]) {
    const packed = new TestGraph();
    packed.placeholder('a', 'DT_FLOAT', [-1, 3]);
    packed.placeholder('b', 'DT_FLOAT', [-1, 3]);
    packed.node('y', 'Pack', ['a', 'b'], { axis: { int: axis }, N: { int: 2 } });
    await compare({ graph: packed, feeds: { a: ramp([2, 3]), b: ramp([2, 3], 3) } });
    const unpacked = new TestGraph();
    unpacked.placeholder('x', 'DT_FLOAT', [2, 3, 2]);
    const count = axis === 1 ? 3 : 2;
    unpacked.node('y', 'Unpack', ['x'], { axis: { int: axis }, num: { int: count } });
    await compare({ graph: unpacked, feeds: { x: ramp([2, 3, 2]) }, outputs: ['y:0', `y:${count - 1}`] });
  }
});

test('an unpacked shape stays known', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 4, 5]);
  graph.node('shape', 'Shape', ['x']);
  graph.node('sizes', 'Unpack', ['shape'], { num: { int: 3 }, axis: { int: 0 } });
  graph.node('area', 'Mul', ['sizes:1', 'sizes:2']);
  graph.node('dims', 'Pack', ['sizes:0', 'area'], { N: { int: 2 }, axis: { int: 0 } });
  graph.node('y', 'Reshape', ['x', 'dims']);
  const imported = await compare({ graph, feeds: { x: ramp([2, 4, 5]) } });
  assert.deepEqual(imported.report.outputs[0]?.shape, [-1, 20]);
});

test('Split into equal parts, SplitV into given ones', async () => {
  for (const axis of [0, 1, -1]) {
    const even = new TestGraph();
    even.placeholder('x', 'DT_FLOAT', [4, 6]);
    even.constant('axis', ints([], [axis]));
    even.node('y', 'Split', ['axis', 'x'], { num_split: { int: 2 } });
    await compare({ graph: even, feeds: { x: ramp([4, 6]) }, outputs: ['y:0', 'y:1'] });
    const sized = new TestGraph();
    sized.placeholder('x', 'DT_FLOAT', [4, 4]);
    sized.constant('sizes', ints([3], [1, -1, 1]));
    sized.constant('axis', ints([], [axis]));
    sized.node('y', 'SplitV', ['x', 'sizes', 'axis'], { num_split: { int: 3 } });
    await compare({ graph: sized, feeds: { x: ramp([4, 4]) }, outputs: ['y:0', 'y:1', 'y:2'] });
  }
});

test('joins and splits that do not work out are refused', () => {
  const split = new TestGraph();
  split.placeholder('x', 'DT_FLOAT', [5]);
  split.constant('axis', ints([], [0]));
  split.node('y', 'Split', ['axis', 'x'], { num_split: { int: 2 } });
  assert.match(String(importError(split)), /5 elements cannot be split into 2 equal parts/);
  const concat = new TestGraph();
  concat.placeholder('a', 'DT_FLOAT', [5]);
  concat.placeholder('b', 'DT_FLOAT', [5, 1]);
  concat.constant('axis', ints([], [0]));
  concat.node('y', 'ConcatV2', ['a', 'b', 'axis'], { N: { int: 2 } });
  assert.match(String(importError(concat)), /the inputs differ in rank/);
});
