import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats, ints, ramp } from '../test-support/tensors.ts';

interface Slicing {
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly strides: readonly number[];
  readonly masks?: Partial<Record<'begin' | 'end' | 'ellipsis' | 'new_axis' | 'shrink_axis', number>>;
}

const SHAPE = [4, 5, 3];

function stridedGraph({ begin, end, strides, masks = {} }: Slicing, shape: readonly number[] = SHAPE): TestGraph {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', shape);
  graph.constant('begin', ints([begin.length], begin));
  graph.constant('end', ints([end.length], end));
  graph.constant('strides', ints([strides.length], strides));
  const attributes = ['begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis'].map((name) => [
    `${name}_mask`,
    { int: masks[name as 'begin'] ?? 0 },
  ]);
  graph.node('y', 'StridedSlice', ['x', 'begin', 'end', 'strides'], Object.fromEntries(attributes));
  return graph;
}

test('StridedSlice: ranges, negative indices and strides, masks', async () => {
  const cases: Slicing[] = [
    { begin: [1], end: [3], strides: [1] },
    { begin: [0, 1], end: [4, 5], strides: [2, 3] },
    { begin: [-2, 0], end: [-1, 4], strides: [1, 1] },
    { begin: [3, 4], end: [0, 1], strides: [-1, -2] },
    { begin: [2], end: [100], strides: [1] },
    { begin: [9, 9], end: [9, 9], strides: [1, 1], masks: { begin: 3, end: 3 } },
    { begin: [9, 9], end: [9, 9], strides: [-1, -2], masks: { begin: 3, end: 3 } },
    { begin: [1], end: [2], strides: [1], masks: { shrink_axis: 1 } },
    { begin: [-1, 0], end: [0, 2], strides: [1, 1], masks: { shrink_axis: 1 } },
    { begin: [0, -1], end: [0, 0], strides: [1, 1], masks: { shrink_axis: 2, begin: 1, end: 1 } },
    { begin: [0, 1], end: [0, 2], strides: [1, 1], masks: { ellipsis: 1 } },
    { begin: [1, 0, 0], end: [3, 0, 2], strides: [1, 1, 1], masks: { ellipsis: 2 } },
    { begin: [0, 0], end: [0, 2], strides: [1, 1], masks: { new_axis: 1 } },
    { begin: [0, 0, 0], end: [0, 0, 1], strides: [1, 1, 1], masks: { ellipsis: 1, new_axis: 2, shrink_axis: 4 } },
    {
      begin: [1, 0, 1, 0],
      end: [2, 0, 4, 0],
      strides: [1, 1, 1, 1],
      masks: { shrink_axis: 1, new_axis: 2, end: 8, begin: 8 },
    },
  ];
  for (const slicing of cases) {
    await compare({ graph: stridedGraph(slicing), feeds: { x: ramp(SHAPE) } });
    await compare({ graph: stridedGraph(slicing, [-1, -1, -1]), feeds: { x: ramp(SHAPE) } });
  }
});

/** Python's slice of an axis, by its definition: the indices from begin in steps of stride that lie inside and before end. */
function pythonIndices(size: number, begin: number | undefined, end: number | undefined, stride: number): number[] {
  const fromEnd = (bound: number): number => (bound < 0 ? bound + size : bound);
  const [low, high] = stride > 0 ? [0, size] : [-1, size - 1];
  const clamp = (bound: number): number => Math.max(low, Math.min(high, fromEnd(bound)));
  const start = begin === undefined ? (stride > 0 ? low : high) : clamp(begin);
  const stop = end === undefined ? (stride > 0 ? high : low) : clamp(end);
  const indices: number[] = [];
  for (let index = start; stride > 0 ? index < stop : index > stop; index += stride) indices.push(index);
  return indices;
}

test("StridedSlice: any begin, end and stride, by Python's definition", async () => {
  const bound = fc.integer({ min: -7, max: 7 });
  const stride = fc.constantFrom(-3, -2, -1, 1, 2, 3);
  const range = fc.tuple(bound, bound, stride, fc.boolean(), fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.tuple(range, range), async (ranges) => {
      const mask = (bits: readonly boolean[]): number =>
        bits.reduce((sum, bit, index) => sum + (bit ? 1 << index : 0), 0);
      const slicing = {
        begin: ranges.map(([begin]) => begin),
        end: ranges.map(([, end]) => end),
        strides: ranges.map(([, , step]) => step),
        masks: { begin: mask(ranges.map(([, , , masked]) => masked)), end: mask(ranges.map((entry) => entry[4])) },
      };
      const x = ramp([4, 5]);
      const [rows, columns] = ranges.map(([begin, end, step, beginMask, endMask], axis) =>
        pythonIndices([4, 5][axis] as number, beginMask ? undefined : begin, endMask ? undefined : end, step),
      ) as [number[], number[]];
      const values = rows.flatMap((row) => columns.map((column) => x.values[row * 5 + column] as number));
      const expected = [floats([rows.length, columns.length], values)];
      await compare({ graph: stridedGraph(slicing, [4, 5]), feeds: { x }, expected });
    }),
    { numRuns: 60 },
  );
});

test('StridedSlice: bounds that only a run knows', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [4, 5]);
  graph.placeholder('begin', 'DT_INT32', [2]);
  graph.placeholder('end', 'DT_INT32', [2]);
  graph.constant('strides', ints([2], [1, 1]));
  graph.node('y', 'StridedSlice', ['x', 'begin', 'end', 'strides'], {
    shrink_axis_mask: { int: 1 },
    end_mask: { int: 2 },
  });
  for (const [begin, end] of [
    [
      [1, 2],
      [2, 0],
    ],
    [
      [-1, -3],
      [0, 0],
    ],
  ] as const) {
    await compare({ graph, feeds: { x: ramp([4, 5]), begin: ints([2], begin), end: ints([2], end) } });
  }
});

test('Slice: constant and computed begins, sizes to the end', async () => {
  for (const [begin, size] of [
    [
      [1, 0, 2],
      [2, 5, 1],
    ],
    [
      [0, 2, 0],
      [-1, -1, -1],
    ],
    [
      [4, 0, 0],
      [0, 5, 3],
    ],
  ] as const) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', SHAPE);
    graph.constant('begin', ints([3], begin));
    graph.constant('size', ints([3], size));
    graph.node('y', 'Slice', ['x', 'begin', 'size']);
    await compare({ graph, feeds: { x: ramp(SHAPE) } });
  }
  const computed = new TestGraph();
  computed.placeholder('x', 'DT_FLOAT', [-1, 5]);
  computed.placeholder('begin', 'DT_INT32', [2]);
  computed.constant('size', ints([2], [2, -1]));
  computed.node('y', 'Slice', ['x', 'begin', 'size']);
  await compare({ graph: computed, feeds: { x: ramp([4, 5]), begin: ints([2], [1, 3]) } });
});

test('ReverseV2', async () => {
  for (const axes of [[0], [1, -1], []]) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 3, 2]);
    graph.constant('axes', ints([axes.length], axes));
    graph.node('y', 'ReverseV2', ['x', 'axes']);
    // TensorFlow.js reverses everything when there are no axes.
    const expected = axes.length === 0 ? { expected: [ramp([2, 3, 2])] } : {};
    await compare({ graph, feeds: { x: ramp([2, 3, 2]) }, ...expected });
  }
});

test('slices outside of the tensor are refused', () => {
  const index = stridedGraph({ begin: [4], end: [5], strides: [1], masks: { shrink_axis: 1 } });
  assert.match(String(importError(index)), /index 4 of 4 elements on axis 0/);
  const backwards = stridedGraph({ begin: [-3], end: [0], strides: [-1] }, [-1, 5, 3]);
  assert.match(String(importError(backwards)), /a negative stride on an axis of unknown size/);
  const stride = stridedGraph({ begin: [0], end: [1], strides: [0] });
  assert.match(String(importError(stride)), /a stride is 0/);
  const many = stridedGraph({ begin: [0, 0, 0, 0], end: [1, 1, 1, 1], strides: [1, 1, 1, 1] });
  assert.match(String(importError(many)), /4 ranges for an input of rank 3/);
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [3]);
  graph.constant('begin', ints([1], [2]));
  graph.constant('size', ints([1], [2]));
  graph.node('y', 'Slice', ['x', 'begin', 'size']);
  assert.match(String(importError(graph)), /elements 2 to 4 of 3 on axis 0/);
});

test('slices of constants are constants', async () => {
  const graph = new TestGraph();
  graph.constant('x', floats([4], [1, 2, 3, 4]));
  graph.constant('begin', ints([1], [-1]));
  graph.constant('end', ints([1], [0]));
  graph.constant('strides', ints([1], [-2]));
  graph.node('y', 'StridedSlice', ['x', 'begin', 'end', 'strides'], { end_mask: { int: 1 } });
  const imported = await compare({ graph, expected: [floats([2], [4, 2])] });
  assert.deepEqual(
    imported.model.graph.nodes.map((node) => node.opType),
    ['Identity'],
  );
});
