import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, importError } from '../test-support/differential.ts';
import { TestGraph } from '../test-support/graph.ts';
import { floats } from '../test-support/tensors.ts';

// TensorFlow.js has none of these: the expected values follow from the documentation of tf.quantization.fake_quant_with_min_max_args.
const X = floats([2, 3], [-7, -1.03, 0, 0.01, 0.52, 9]);

/** By the documentation: the range is moved to contain zero exactly, then values are rounded to its steps. */
function fakeQuant(x: number, min: number, max: number, bits: number, narrow: boolean): number {
  const low = narrow ? 1 : 0;
  const high = 2 ** bits - 1;
  const scale = (max - min) / (high - low);
  const zero = Math.min(high, Math.max(low, Math.round(low - min / scale)));
  const step = Math.floor(
    (Math.min(Math.max(x, (low - zero) * scale), (high - zero) * scale) - (low - zero) * scale) / scale + 0.5,
  );
  return (step + low - zero) * scale;
}

test('FakeQuantWithMinMaxArgs: default and given ranges and bits', async () => {
  for (const [min, max, bits, narrow] of [
    [-6, 6, 8, false],
    [-1, 3, 4, false],
    [-1, 3, 4, true],
    [0.5, 2, 8, false],
  ] as const) {
    const graph = new TestGraph();
    graph.placeholder('x', 'DT_FLOAT', [-1, 3]);
    graph.node('y', 'FakeQuantWithMinMaxArgs', ['x'], { min, max, num_bits: { int: bits }, narrow_range: narrow });
    const expected = [
      floats(
        [2, 3],
        X.values.map((x) => fakeQuant(x, min, max, bits, narrow)),
      ),
    ];
    await compare({ graph, feeds: { x: X }, expected });
  }
});

test('FakeQuantWithMinMaxVars and its form per channel', async () => {
  const whole = new TestGraph();
  whole.placeholder('x', 'DT_FLOAT', [-1, 3]);
  const range = [whole.constant('min', floats([], [-2])), whole.constant('max', floats([], [5]))];
  whole.node('y', 'FakeQuantWithMinMaxVars', ['x', ...range], { num_bits: { int: 8 } });
  await compare({
    graph: whole,
    feeds: { x: X },
    expected: [
      floats(
        [2, 3],
        X.values.map((x) => fakeQuant(x, -2, 5, 8, false)),
      ),
    ],
  });
  const channels = new TestGraph();
  channels.placeholder('x', 'DT_FLOAT', [-1, 3]);
  const [mins, maxs] = [
    [-1, -2, 0],
    [1.5, 3, 4],
  ];
  const ranges = [
    channels.constant('min', floats([3], mins as number[])),
    channels.constant('max', floats([3], maxs as number[])),
  ];
  channels.node('y', 'FakeQuantWithMinMaxVarsPerChannel', ['x', ...ranges]);
  const expected = X.values.map((x, index) =>
    fakeQuant(x, mins?.[index % 3] as number, maxs?.[index % 3] as number, 8, false),
  );
  await compare({ graph: channels, feeds: { x: X }, expected: [floats([2, 3], expected)] });
});

test('ranges that are none are refused', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [3]);
  graph.node('y', 'FakeQuantWithMinMaxArgs', ['x'], { min: 2, max: 2 });
  assert.match(String(importError(graph)), /node 'y' \(FakeQuantWithMinMaxArgs\): the range is \[2, 2\]/);
});
