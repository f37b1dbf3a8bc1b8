import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { ints, ramp } from '../test-support/tensors.ts';

test('SpaceToBatchND and BatchToSpaceND, with unknown sizes too', async () => {
  for (const shape of [
    [2, 4, 5, 3],
    [-1, -1, -1, 3],
  ]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', shape);
    graph.constant('block', ints([2], [2, 3]));
    graph.constant('paddings', ints([2, 2], [1, 1, 0, 1]));
    graph.constant('crops', ints([2, 2], [1, 0, 0, 2]));
    graph.node('s', 'SpaceToBatchND', ['x', 'block', 'paddings']);
    graph.node('y', 'BatchToSpaceND', ['s', 'block', 'crops']);
    await compare({ graph, feeds: { x: ramp([2, 4, 5, 3]) }, outputs: ['s'] });
    await compare({ graph, feeds: { x: ramp([2, 4, 5, 3]) } });
  }
});

test('SpaceToBatchND over one axis', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 6, 2]);
  graph.constant('block', ints([1], [3]));
  graph.constant('paddings', ints([1, 2], [0, 0]));
  graph.node('y', 'SpaceToBatchND', ['x', 'block', 'paddings']);
  await compare({ graph, feeds: { x: ramp([2, 6, 2]) } });
});

test('DepthToSpace', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 2, 3, 8]);
  graph.node('y', 'DepthToSpace', ['x'], { block_size: { int: 2 }, data_format: 'NHWC' });
  await compare({ graph, feeds: { x: ramp([2, 2, 3, 8]) } });
});

test('SpaceToDepth is the inverse of DepthToSpace', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 4, 6, 2]);
  graph.node('d', 'SpaceToDepth', ['x'], { block_size: { int: 2 }, data_format: 'NHWC' });
  graph.node('y', 'DepthToSpace', ['d'], { block_size: { int: 2 }, data_format: 'NHWC' });
  const x = ramp([2, 4, 6, 2]);
  await compare({ graph, feeds: { x }, expected: [x] });
  // Element (0, 0) of the result: the block's rows, each with its columns, each with its channels.
  const block = [0, 1].flatMap((row) =>
    [0, 1].flatMap((column) => [0, 1].map((channel) => x.values[(row * 6 + column) * 2 + channel] as number)),
  );
  const { importGraphDef } = await import('../import-graph-def.ts');
  const { runOnnx } = await import('../test-support/differential.ts');
  const [result] = await runOnnx(importGraphDef(graph.build(), { outputs: ['d'] }), new Map([['x', x]]));
  assert.deepEqual(result?.values.slice(0, 8), block);
  assert.deepEqual(result?.shape, [2, 2, 3, 8]);
});

test('blocks that do not divide are refused', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [1, 5, 2]);
  graph.constant('block', ints([1], [3]));
  graph.constant('paddings', ints([1, 2], [0, 0]));
  graph.node('y', 'SpaceToBatchND', ['x', 'block', 'paddings']);
  assert.match(String(importError(graph)), /5 elements are not a multiple of the block 3/);
});
