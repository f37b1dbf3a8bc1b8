import { test } from 'node:test';
import { compare } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp, tensor } from '../test-support/tensors.ts';

test('both resizes with every placing of pixels, larger and smaller', async () => {
  for (const op of ['ResizeBilinear', 'ResizeNearestNeighbor']) {
    for (const [alignCorners, halfPixelCenters] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      for (const size of [
        [8, 9],
        [3, 2],
        [5, 4],
      ]) {
        const graph = new TestGraph();
        graph.placeholder('x', 'DT_FLOAT', [-1, 5, 4, 2]);
        graph.constant('size', ints([2], size));
        graph.node('y', op, ['x', 'size'], { align_corners: alignCorners, half_pixel_centers: halfPixelCenters });
        await compare({ graph, feeds: { x: ramp([2, 5, 4, 2]) } });
      }
    }
  }
});

test('a size that only a run knows', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, -1, -1, 1]);
  graph.placeholder('size', 'DT_INT32', [2]);
  graph.node('y', 'ResizeBilinear', ['x', 'size'], { align_corners: false, half_pixel_centers: true });
  await compare({ graph, feeds: { x: ramp([1, 4, 4, 1]), size: ints([2], [6, 3]) } });
});

test('bytes become floats when they are interpolated', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_UINT8', [1, 1, 2, 1]);
  graph.constant('size', ints([2], [1, 4]));
  graph.node('y', 'ResizeBilinear', ['x', 'size'], { align_corners: false, half_pixel_centers: false });
  const expected = [floats([1, 1, 4, 1], [100, 150, 200, 200])];
  await compare({ graph, feeds: { x: tensor('DT_UINT8', [1, 1, 2, 1], [100, 200]) }, expected });
});
