import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Dimension, type ElementType, encodeModel, GraphBuilder, type Model, numericConstant } from '@nereid/onnx';

const BUILD = { graphName: 'test', producerName: 'test', producerVersion: '1' };

export function onnxBytes(model: Model): Uint8Array {
  return new Uint8Array(Buffer.concat(encodeModel(model)));
}

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, all of one type and shape. */
export function addSub(shape: readonly Dimension[] = ['batch', 4], elementType: ElementType = 'int32'): Model {
  const graph = new GraphBuilder();
  const inputs = ['INPUT0', 'INPUT1'].map((name) => graph.input(name, elementType, shape));
  graph.node('Add', inputs, { outputs: ['OUTPUT0'] });
  graph.node('Sub', inputs, { outputs: ['OUTPUT1'] });
  for (const name of ['OUTPUT0', 'OUTPUT1']) graph.output(name, elementType, shape);
  return graph.build(BUILD);
}

/** Inputs pass through unchanged: `X` gives `Y`. */
export function identities(
  tensors: readonly { x: string; y: string; type: ElementType; shape: readonly Dimension[] }[],
): Model {
  const graph = new GraphBuilder();
  for (const { x, y, type, shape } of tensors) {
    graph.input(x, type, shape);
    graph.node('Identity', [x], { outputs: [y] });
    graph.output(y, type, shape);
  }
  return graph.build(BUILD);
}

/** OUTPUT0 = INPUT0 + INPUT1; INPUT1 is 10 when it is not given. */
export function withDefault(): Model {
  const built = addSub([4]);
  const { graph } = built;
  return {
    ...built,
    graph: {
      ...graph,
      nodes: graph.nodes.filter(({ opType }) => opType === 'Add'),
      outputs: graph.outputs.filter(({ name }) => name === 'OUTPUT0'),
      initializers: [numericConstant('INPUT1', 'int32', [4], [10, 10, 10, 10])],
    },
  };
}

/** A running sum: OUTPUT = STATE_OUT = INPUT + (START ? 0 : STATE_IN). */
export function accumulator(): Model {
  const graph = new GraphBuilder();
  for (const name of ['INPUT', 'START', 'STATE_IN']) graph.input(name, 'int32', ['batch', 1]);
  const [go] = graph.node('Sub', [graph.numbers('int32', [1], [1]), 'START']);
  const [kept] = graph.node('Mul', ['STATE_IN', go ?? '']);
  graph.node('Add', ['INPUT', kept ?? ''], { outputs: ['OUTPUT'] });
  graph.node('Identity', ['OUTPUT'], { outputs: ['STATE_OUT'] });
  for (const name of ['OUTPUT', 'STATE_OUT']) graph.output(name, 'int32', ['batch', 1]);
  return graph.build(BUILD);
}

/** A version directory below `root` with these files. */
export function versionDirectory(root: string, files: Readonly<Record<string, Uint8Array | Model>>): string {
  const directory = path.join(mkdtempSync(path.join(root, 'model-')), '1');
  mkdirSync(directory);
  for (const [name, contents] of Object.entries(files)) {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents instanceof Uint8Array ? contents : onnxBytes(contents));
  }
  return directory;
}
