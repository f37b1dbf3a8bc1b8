import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp } from '../test-support/tensors.ts';

test('MaxPool and AvgPool: padding and strides, even and odd sizes', async () => {
  for (const op of ['MaxPool', 'AvgPool']) {
    for (const size of [
      [1, 5, 5, 2],
      [2, 6, 7, 2],
    ]) {
      for (const [kernel, stride, padding] of [
        [2, 2, 'VALID'],
        [3, 2, 'SAME'],
        [3, 1, 'SAME'],
        [2, 1, 'SAME'],
        [3, 3, 'VALID'],
        [1, 2, 'SAME'],
      ] as const) {
        const graph = new TestGraph();
        graph.placeholder('x', 'DT_FLOAT', size);
        graph.node('y', op, ['x'], { ksize: [1, kernel, kernel, 1], strides: [1, stride, stride, 1], padding });
        await compare({ graph, feeds: { x: ramp(size) } });
      }
    }
  }
});

test('MaxPool and AvgPool: sizes that are not known, an empty batch', async () => {
  for (const op of ['MaxPool', 'AvgPool']) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, -1, -1, 2]);
    graph.node('y', op, ['x'], { ksize: [1, 3, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
    await compare({ graph, feeds: { x: ramp([2, 5, 8, 2]) } });
    await compare({ graph, feeds: { x: floats([0, 5, 8, 2], []) }, expected: [floats([0, 3, 4, 2], [])] });
  }
});

test('MaxPool3D and AvgPool3D', async () => {
  for (const op of ['MaxPool3D', 'AvgPool3D']) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [1, 4, 5, 6, 2]);
    graph.node('y', op, ['x'], { ksize: [1, 2, 3, 3, 1], strides: [1, 2, 2, 2, 1], padding: 'SAME' });
    await compare({ graph, feeds: { x: ramp([1, 4, 5, 6, 2]) } });
  }
});

test('MaxPoolV2: the window comes as inputs', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [1, 4, 4, 1]);
  graph.constant('ksize', ints([4], [1, 2, 2, 1]));
  graph.constant('strides', ints([4], [1, 2, 2, 1]));
  graph.node('y', 'MaxPoolV2', ['x', 'ksize', 'strides'], { padding: 'VALID' });
  const x = floats([1, 4, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  await compare({ graph, feeds: { x }, expected: [floats([1, 2, 2, 1], [6, 8, 14, 16])] });
});
