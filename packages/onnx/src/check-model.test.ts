import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkModel, findProblems, float, type Graph, GraphBuilder, graph, type Model, type Node } from './index.ts';

const node = (opType: string, inputs: string[], outputs: string[]): Node => ({
  name: '',
  opType,
  domain: '',
  inputs,
  outputs,
  attributes: new Map(),
});
const info = (name: string) => ({ name, type: { kind: 'tensor' as const, elementType: 'float' as const, shape: [1] } });

function modelOf(changes: Partial<Graph>): Model {
  return {
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    opsetImports: new Map([['', 18]]),
    graph: {
      name: 'g',
      nodes: [node('Relu', ['x'], ['y'])],
      initializers: [],
      sparseInitializers: [],
      inputs: [info('x')],
      outputs: [info('y')],
      valueInfos: [],
      ...changes,
    },
    functions: [],
    metadata: new Map(),
  };
}

test('a correct model has no problems', () => {
  assert.deepEqual(findProblems(modelOf({})), []);
});

test('every structural fault is found and named', () => {
  const faults: [Partial<Graph>, string][] = [
    [{ nodes: [node('Relu', ['z'], ['y'])] }, "graph: node 0 (Relu ''): input 'z' does not exist"],
    [
      { nodes: [node('Relu', ['h'], ['y']), node('Relu', ['x'], ['h'])] },
      "graph: node 0 (Relu ''): input 'h' is used before it is produced",
    ],
    [{ nodes: [node('Relu', ['x'], ['y']), node('Abs', ['x'], ['y'])] }, "graph: value 'y' is defined twice"],
    [{ nodes: [] }, "graph: output 'y' is not produced by any node"],
    [
      { nodes: [{ ...node('Relu', ['x'], ['y']), domain: 'com.example' }] },
      "graph: node 0 (Relu ''): operator set 'com.example' is not imported",
    ],
    [{ inputs: [{ name: 'x', type: undefined }] }, "graph: 'x' has no type"],
    [
      {
        initializers: [
          { name: 'w', elementType: 'float', dims: [1e6, 1e6], content: { kind: 'raw', bytes: new Uint8Array(4) } },
        ],
      },
      "graph: constant 'w' has 4 bytes, its shape [1000000,1000000] needs 4000000000000",
    ],
    [
      {
        initializers: [
          { name: 'w', elementType: 'float', dims: [-1], content: { kind: 'raw', bytes: new Uint8Array(4) } },
        ],
      },
      "graph: constant 'w': dimension -1 in shape [-1]",
    ],
  ];
  for (const [changes, expected] of faults) assert.deepEqual(findProblems(modelOf(changes)), [expected]);
  assert.throws(() => checkModel(modelOf({ nodes: [] })), {
    name: 'OnnxError',
    message: "check ONNX model: graph: output 'y' is not produced by any node",
  });
});

test('a graph in an attribute sees the values around it', () => {
  const body = (input: string): Graph => ({
    name: 'body',
    nodes: [node('Neg', [input], ['inner'])],
    initializers: [],
    sparseInitializers: [],
    inputs: [],
    outputs: [info('inner')],
    valueInfos: [],
  });
  const branch = (input: string): Node => ({
    ...node('If', ['x'], ['y']),
    attributes: new Map([['then_branch', graph(body(input))]]),
  });
  assert.deepEqual(findProblems(modelOf({ nodes: [branch('x')] })), []);
  assert.deepEqual(findProblems(modelOf({ nodes: [branch('nowhere')] })), [
    "graph: node 0 (If '').then_branch: node 0 (Neg ''): input 'nowhere' does not exist",
  ]);
});

test('the builder makes correct models, without what nobody asked for', () => {
  const builder = new GraphBuilder();
  const x = builder.input('x', 'float', ['batch', 3]);
  const one = builder.numbers('float', [], [1]);
  assert.equal(builder.numbers('float', [], [1]), one);
  builder.node('Sqrt', [x]);
  const [sum] = builder.node('Add', [x, one]);
  const [leaky] = builder.node('LeakyRelu', [sum as string], { attributes: { alpha: float(0.1) }, outputs: ['y'] });
  builder.output(leaky as string, 'float', ['batch', 3]);
  const model = builder.build({ graphName: 'g', producerName: 'test', producerVersion: '1' });
  assert.deepEqual(
    model.graph.nodes.map((built) => built.opType),
    ['Add', 'LeakyRelu'],
  );
  assert.equal(model.graph.initializers.length, 1);
  assert.deepEqual(findProblems(model), []);
  assert.throws(() => builder.node('Abs', [x], { outputs: ['y'] }), {
    message: "build ONNX graph: value 'y' is defined twice",
  });
});
