import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp, tensor } from '../test-support/tensors.ts';

test('Fill: constant and computed sizes and values', async () => {
  const constant = new TestGraph();
  constant.constant('dims', ints([2], [2, 3]));
  constant.constant('value', floats([], [1.5]));
  constant.node('y', 'Fill', ['dims', 'value']);
  await compare({ graph: constant });
  const computed = new TestGraph();
  computed.placeholder('dims', 'DT_INT32', [2]);
  computed.placeholder('value', 'DT_FLOAT', []);
  computed.node('y', 'Fill', ['dims', 'value']);
  await compare({ graph: computed, feeds: { dims: ints([2], [2, 3]), value: floats([], [-2]) } });
  await compare({
    graph: computed,
    feeds: { dims: ints([2], [0, 3]), value: floats([], [-2]) },
    expected: [floats([0, 3], [])],
  });
});

test('ZerosLike and OnesLike of numbers and of NaN', async () => {
  for (const op of ['ZerosLike', 'OnesLike']) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 2]);
    graph.node('y', op, ['x']);
    await compare({ graph, feeds: { x: floats([2, 2], [1, Number.NaN, 3, Number.POSITIVE_INFINITY]) } });
  }
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_INT64', [-1]);
  graph.node('y', 'OnesLike', ['x']);
  const expected = [tensor('DT_INT64', [3], [1, 1, 1])];
  await compare({ graph, feeds: { x: tensor('DT_INT64', [3], [4, 5, 6]) }, expected });
});

test('Range: up, down, computed, of reals', async () => {
  for (const [start, limit, delta] of [
    [0, 5, 1],
    [5, 0, -2],
    [3, 3, 1],
  ] as const) {
    const graph = new TestGraph();
    graph.constant('start', ints([], [start]));
    graph.constant('limit', ints([], [limit]));
    graph.constant('delta', ints([], [delta]));
    graph.node('y', 'Range', ['start', 'limit', 'delta'], { Tidx: { type: 'DT_INT32' } });
    await compare({ graph });
  }
  const graph = new TestGraph();
  graph.constant('start', floats([], [0]));
  graph.placeholder('limit', 'DT_FLOAT', []);
  graph.constant('delta', floats([], [0.5]));
  graph.node('y', 'Range', ['start', 'limit', 'delta'], { Tidx: { type: 'DT_FLOAT' } });
  await compare({ graph, feeds: { limit: floats([], [1.6]) } });
});

test('Tile and BroadcastTo', async () => {
  const tile = new TestGraph();
  tile.placeholder('x', 'DT_FLOAT', [-1, 3]);
  tile.constant('multiples', ints([2], [2, 3]));
  tile.node('y', 'Tile', ['x', 'multiples']);
  await compare({ graph: tile, feeds: { x: ramp([2, 3]) } });
  const broadcast = new TestGraph();
  broadcast.placeholder('x', 'DT_FLOAT', [3]);
  broadcast.constant('shape', ints([2], [2, 3]));
  broadcast.node('y', 'BroadcastTo', ['x', 'shape']);
  await compare({ graph: broadcast, feeds: { x: ramp([3]) } });
});
