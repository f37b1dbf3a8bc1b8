import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ImportError } from '../shared/index.ts';
import { decodeGraphDef } from './decode.ts';
import { encodeGraphDef } from './encode.ts';
import type { GraphDef } from './graph-def.ts';
import { importGraphDef } from './import-graph-def.ts';
import { tensorflowOps } from './ops/index.ts';
import { compare, importError, runOnnx } from './test-support/differential.ts';
import { TestGraph } from './test-support/graph.ts';
import { floats, ints, positive, ramp } from './test-support/tensors.ts';

test('every operation that is not supported is named at once, with its nodes and the model', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_STRING', [-1]);
  graph.node('parse', 'ParseExampleV2', ['x']);
  for (const name of ['a', 'b', 'c', 'd']) graph.node(name, 'StringToHashBucketFast', ['parse']);
  graph.node('y', 'AddN', ['a', 'b', 'c', 'd']);
  const error = importError(graph);
  assert.ok(error instanceof ImportError);
  assert.equal(error.code, 'unsupported');
  assert.match(error.message, /^import TensorFlow model 'm': operations are not supported \(2\): /);
  assert.match(error.message, /ParseExampleV2 \(node 'parse'\)/);
  assert.match(error.message, /StringToHashBucketFast \(node '\w', '\w', '\w' and 1 more\)/);
});

test('what the outputs do not depend on need not be supported', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [2]);
  graph.node('y', 'Relu', ['x']);
  graph.node('summary', 'HistogramSummary', ['x']);
  assert.equal(importError(graph), undefined);
});

test('loops are refused as operations, not as cycles; calls of functions by name', () => {
  const loop = new TestGraph();
  loop.placeholder('x', 'DT_FLOAT', []);
  loop.node('enter', 'Enter', ['x']);
  loop.node('merge', 'Merge', ['enter', 'next']);
  loop.node('next', 'NextIteration', ['merge']);
  loop.node('y', 'Exit', ['merge']);
  assert.match(String(importError(loop)), /operations are not supported \(3\): /);
  const call = new TestGraph();
  call.placeholder('x', 'DT_FLOAT', []);
  call.node('y', 'StatefulPartitionedCall', ['x']);
  assert.match(
    String(importError(call)),
    /node 'y' \(StatefulPartitionedCall\) calls a function: the graph must be frozen/,
  );
});

test('inputs and outputs by name; contradictions are refused', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 3]);
  graph.placeholder('z', 'DT_FLOAT', undefined);
  graph.node('s', 'Split', [graph.constant('axis', ints([], [1])), 'x'], { num_split: { int: 3 } });
  graph.node('y', 'AddV2', ['s:2', 'z']);
  const def = graph.build();
  const imported = importGraphDef(def, {
    inputs: [{ name: 'x:0' }, { name: 'z', shape: [-1, 1] }],
    outputs: ['y:0', 's:1'],
  });
  assert.deepEqual(imported.report.inputs, [
    { name: 'x:0', elementType: 'float', shape: [-1, 3] },
    { name: 'z', elementType: 'float', shape: [-1, 1] },
  ]);
  assert.deepEqual(imported.report.outputs, [
    { name: 'y:0', elementType: 'float', shape: [-1, 1] },
    { name: 's:1', elementType: 'float', shape: [-1, 1] },
  ]);
  const cases: [Parameters<typeof importGraphDef>[1], RegExp][] = [
    [{ outputs: ['nowhere'] }, /output 'nowhere' does not exist/],
    [{ outputs: ['s:3'] }, /'s:3' takes output 3 of node 's', which has 3/],
    [{ inputs: [{ name: 'nowhere' }], outputs: ['y'] }, /input 'nowhere' does not exist/],
    [{ inputs: [{ name: 'axis' }], outputs: ['y'] }, /input 'axis' is not a placeholder but a Const/],
    [{ inputs: [{ name: 'x' }], outputs: ['y'] }, /placeholder 'z' is needed but is not an input/],
    [{ inputs: [{ name: 'x' }, { name: 'x' }, { name: 'z' }], outputs: ['y'] }, /value 'x' is defined twice/],
    [{ outputs: [] }, /the graph has no outputs/],
  ];
  for (const [options, message] of cases) {
    assert.throws(
      () => importGraphDef(def, { ...options, modelName: 'm' }),
      (error) => {
        assert.ok(error instanceof ImportError && message.test(error.message), String(error));
        assert.match(error.message, /^import TensorFlow model 'm': /);
        return true;
      },
    );
  }
});

test('a batch of any size where the graph has a number', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [1, 3]);
  graph.node('y', 'Relu', ['x']);
  const imported = importGraphDef(graph.build(), { inputs: [{ name: 'x', openBatch: true }], outputs: ['y'] });
  assert.deepEqual(imported.report.outputs[0]?.shape, [-1, 3]);
  const [result] = await runOnnx(imported, new Map([['x', ramp([4, 3])]]));
  assert.deepEqual(result?.shape, [4, 3]);
});

test('values whose names would meet the output keep apart', async () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 2]);
  // The importer names what it writes for node `a` after it: `a/Softmax`.
  graph.node('a', 'Softmax', ['x']);
  graph.node('a/Softmax', 'Relu', ['a']);
  await compare({ graph, feeds: { x: ramp([1, 2]) }, outputs: ['a/Softmax', 'a'] });
});

test('the report counts operations, operators and bytes', () => {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 4]);
  graph.node('m', 'MatMul', ['x', graph.constant('w', ramp([4, 3]))]);
  graph.node('y', 'Relu', ['m']);
  const { report } = importGraphDef(graph.build());
  assert.equal(report.format, 'tensorflow_graphdef');
  assert.deepEqual(Object.fromEntries(report.sourceOperations), { Const: 1, MatMul: 1, Placeholder: 1, Relu: 1 });
  assert.deepEqual(Object.fromEntries(report.targetOperators), { Identity: 1, MatMul: 1, Relu: 1 });
  assert.equal(report.weightBytes, 48);
  assert.deepEqual(report.outputs, [{ name: 'y', elementType: 'float', shape: [-1, 3] }]);
});

/** Two stages of a residual network with a depthwise block and a squeeze-and-excitation, as Keras freezes it. */
function network(): TestGraph {
  const graph = new TestGraph();
  const conv = (name: string, input: string, filter: readonly number[], stride: number, op = 'Conv2D'): string =>
    graph.node(name, op, [input, graph.constant(`${name}/w`, ramp(filter, filter.length + stride))], {
      strides: [1, stride, stride, 1],
      padding: 'SAME',
      data_format: 'NHWC',
    });
  const normalized = (name: string, input: string, channels: number): string => {
    const statistics = ['scale', 'offset', 'mean', 'variance'].map((part, index) =>
      graph.constant(`${name}/${part}`, part === 'variance' ? positive([channels]) : ramp([channels], index + 2)),
    );
    return graph.node(name, 'FusedBatchNormV3', [input, ...statistics], { epsilon: 0.001, is_training: false });
  };
  graph.placeholder('x', 'DT_FLOAT', [-1, 9, 8, 3]);
  const stem = graph.node('r1', 'Relu6', [normalized('n1', conv('c1', 'x', [3, 3, 3, 4], 2), 4)]);
  const deep = normalized('n2', conv('c2', stem, [3, 3, 4, 1], 1, 'DepthwiseConv2dNative'), 4);
  const pooled = graph.node('squeeze', 'Mean', [deep, graph.constant('hw', ints([2], [1, 2]))], { keep_dims: true });
  const gate = graph.node('gate', 'Sigmoid', [conv('c3', pooled, [1, 1, 4, 4], 1)]);
  const excited = graph.node('excited', 'Mul', [deep, gate]);
  const sum = graph.node('sum', 'AddV2', [excited, stem]);
  const top = graph.node('top', 'MaxPool', [sum], { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
  graph.node('shape', 'Shape', [top]);
  graph.node(
    'batch',
    'StridedSlice',
    ['shape', graph.constant('b0', ints([1], [0])), graph.constant('b1', ints([1], [1])), 'b1'],
    {
      shrink_axis_mask: { int: 1 },
    },
  );
  graph.node('dims', 'Pack', ['batch', graph.constant('all', ints([], [-1]))], { axis: { int: 0 }, N: { int: 2 } });
  const flat = graph.node('flat', 'Reshape', [top, 'dims']);
  graph.node('dense', 'MatMul', [flat, graph.constant('dense/w', ramp([24, 5], 9))]);
  graph.node('logits', 'BiasAdd', ['dense', graph.constant('dense/b', ramp([5], 4))]);
  graph.node('y', 'Softmax', ['logits']);
  return graph;
}

test('a whole network gives what the oracle gives, for any batch', async () => {
  const graph = network();
  for (const batch of [1, 3]) await compare({ graph, feeds: { x: ramp([batch, 9, 8, 3]) } });
  const imported = importGraphDef(graph.build(), { outputs: ['y'] });
  const [nothing] = await runOnnx(imported, new Map([['x', floats([0, 9, 8, 3], [])]]));
  assert.deepEqual(nothing?.shape, [0, 5]);
  assert.deepEqual(imported.report.outputs[0]?.shape, [-1, 5]);
});

test('a few bytes do not ask for any amount of memory', () => {
  const huge = (build: (graph: TestGraph) => void): unknown => {
    const graph = new TestGraph();
    build(graph);
    return importError(graph);
  };
  const filled = huge((graph) => {
    graph.constant('dims', ints([2], [1_000_000, 1_000_000]));
    graph.constant('value', floats([], [0]));
    graph.node('y', 'Fill', ['dims', 'value']);
  });
  assert.match(String(filled), /node 'y' \(Fill\): a result of 1000000000000 elements, more than 536870912/);
  const split = huge((graph) => {
    graph.placeholder('x', 'DT_FLOAT', [2 ** 40]);
    graph.constant('axis', ints([], [0]));
    graph.node('y', 'Split', ['axis', 'x'], { num_split: { int: 2 ** 40 } });
  });
  assert.match(String(split), /1099511627776 parts, more than 100000/);
  const unpacked = huge((graph) => {
    graph.placeholder('x', 'DT_FLOAT', [-1]);
    graph.node('y', 'Unpack', ['x'], { num: { int: 2 ** 40 } });
  });
  assert.match(String(unpacked), /1099511627776 parts, more than 100000/);
  const mirrored = huge((graph) => {
    graph.placeholder('x', 'DT_FLOAT', [2 ** 40]);
    graph.constant('paddings', ints([1, 2], [1, 0]));
    graph.node('y', 'MirrorPad', ['x', 'paddings'], { mode: 'SYMMETRIC' });
  });
  assert.match(String(mirrored), /1099511627776 elements on a mirrored axis/);
});

test('integers too large to be exact are left to a run', async () => {
  const graph = new TestGraph();
  graph.constant('a', ints([2], [2 ** 31 - 1, 123_456_789]));
  graph.constant('b', ints([2], [2 ** 31 - 3, 987_654_321]));
  graph.node('y', 'Mul', ['a', 'b']);
  const wrapped = [Math.imul(2 ** 31 - 1, 2 ** 31 - 3), Math.imul(123_456_789, 987_654_321)];
  await compare({ graph, expected: [ints([2], wrapped)] });
});

test('a damaged network is imported or refused with ImportError, nothing else', () => {
  const encoded = encodeGraphDef(network().build());
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(encoded.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const damaged = encoded.slice();
        for (const [position, byte] of changes) damaged[position] = byte;
        try {
          importGraphDef(decodeGraphDef(damaged), { outputs: ['y'] });
        } catch (error) {
          assert.ok(error instanceof ImportError, error instanceof Error ? error.stack : String(error));
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('a node with nothing right about it is refused with ImportError by every operation', () => {
  for (const { op } of tensorflowOps().list()) {
    for (const inputs of [[], ['x'], ['x', 'x', 'x', 'x', 'x', 'x']]) {
      const graph: GraphDef = (() => {
        const built = new TestGraph();
        built.placeholder('x', 'DT_FLOAT', undefined);
        built.node('y', op, inputs);
        return built.build();
      })();
      const error = importError(graph);
      assert.ok(
        error === undefined || error instanceof ImportError,
        `${op} of ${inputs.length}: ${error instanceof Error ? error.stack : error}`,
      );
    }
  }
});
