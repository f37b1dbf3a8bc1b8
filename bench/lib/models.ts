import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel as encodeOnnx, GraphBuilder, int, ints } from '@nereid/onnx';

const BUILD = { graphName: 'bench', producerName: 'nereid-bench', producerVersion: '1' };

/** Triton's `simple`: OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, INT32 (N, 16). */
export function addSubModel(): Uint8Array {
  const graph = new GraphBuilder();
  for (const name of ['INPUT0', 'INPUT1']) graph.input(name, 'int32', ['N', 16]);
  graph.node('Add', ['INPUT0', 'INPUT1'], { outputs: ['OUTPUT0'] });
  graph.node('Sub', ['INPUT0', 'INPUT1'], { outputs: ['OUTPUT1'] });
  for (const name of ['OUTPUT0', 'OUTPUT1']) graph.output(name, 'int32', ['N', 16]);
  return encodeOnnx(graph.build(BUILD));
}

/** OUTPUT = INPUT, FP32 (N, width). */
export function identityModel(width: number): Uint8Array {
  const graph = new GraphBuilder();
  graph.input('INPUT', 'float', ['N', width]);
  graph.node('Identity', ['INPUT'], { outputs: ['OUTPUT'] });
  graph.output('OUTPUT', 'float', ['N', width]);
  return encodeOnnx(graph.build(BUILD));
}

/** OUTPUT = the largest of INPUT, UINT8 (N, length) -> (N, 1). */
export function maxModel(): Uint8Array {
  const graph = new GraphBuilder();
  graph.input('INPUT', 'uint8', ['N', 'length']);
  graph.node('ReduceMax', ['INPUT', graph.numbers('int64', [1], [1])], { outputs: ['OUTPUT'] });
  graph.output('OUTPUT', 'uint8', ['N', 1]);
  return encodeOnnx(graph.build(BUILD));
}

/** Writes `<repository>/<name>/1/model.onnx` and its configuration. */
export function writeModel(repository: string, name: string, config: string, model?: Uint8Array): void {
  const version = join(repository, name, '1');
  mkdirSync(version, { recursive: true });
  writeFileSync(join(repository, name, 'config.pbtxt'), config);
  if (model !== undefined) writeFileSync(join(version, 'model.onnx'), model);
}

export const ADD_SUB_CONFIG = `name: "simple"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "INPUT0" data_type: TYPE_INT32 dims: [ 16 ] }, { name: "INPUT1" data_type: TYPE_INT32 dims: [ 16 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 16 ] }, { name: "OUTPUT1" data_type: TYPE_INT32 dims: [ 16 ] } ]
`;

/** A chain of `steps` identity steps over FP32 (N, width): model \`identity\` and ensemble \`chain_<steps>\`. */
export function chainConfig(name: string, steps: number, width: number): string {
  const tensor = (index: number) => (index === 0 ? 'INPUT' : index === steps ? 'OUTPUT' : `t${index}`);
  const step = (index: number) =>
    `{ model_name: "identity" model_version: -1 input_map { key: "INPUT" value: "${tensor(index)}" } output_map { key: "OUTPUT" value: "${tensor(index + 1)}" } }`;
  return `name: "${name}"
platform: "ensemble"
max_batch_size: 8
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ ${width} ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ ${width} ] } ]
ensemble_scheduling { step [ ${Array.from({ length: steps }, (_, index) => step(index)).join(', ')} ] }
`;
}

export function identityConfig(width: number): string {
  return `name: "identity"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ ${width} ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ ${width} ] } ]
`;
}

/** Weights that differ; their values do not matter to the time. */
function weights(graph: GraphBuilder, dims: readonly number[]): string {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: count }, (_, index) => (((index * 7919) % 101) - 50) / 5_000);
  return graph.numbers('float', dims, values);
}

/** A chain of `layers` dense layers with ReLU, FP32 (N, width) -> (N, width). */
export function perceptronModel(width: number, layers: number): Uint8Array {
  const graph = new GraphBuilder();
  let value = graph.input('INPUT', 'float', ['N', width]);
  for (let layer = 0; layer < layers; layer++) {
    const output = layer === layers - 1 ? 'OUTPUT' : `hidden${layer}`;
    graph.node('MatMul', [value, weights(graph, [width, width])], { outputs: [`product${layer}`] });
    graph.node('Relu', [`product${layer}`], { outputs: [output] });
    value = output;
  }
  graph.output('OUTPUT', 'float', ['N', width]);
  return encodeOnnx(graph.build(BUILD));
}

/** Three 1-D convolutions with ReLU and a mean over time, FP32 (N, 1, samples) -> (N, 128). A larger stride makes less of the samples. */
export function convolutionModel(samples: number, stride = 4): Uint8Array {
  const graph = new GraphBuilder();
  let value = graph.input('INPUT', 'float', ['N', 1, samples]);
  const attributes = { strides: ints([stride]), pads: ints([4, 4]), kernel_shape: ints([9]) };
  for (const [layer, [from, to]] of [[1, 32] as const, [32, 64] as const, [64, 128] as const].entries()) {
    graph.node('Conv', [value, weights(graph, [to, from, 9])], { outputs: [`conv${layer}`], attributes });
    graph.node('Relu', [`conv${layer}`], { outputs: [`relu${layer}`] });
    value = `relu${layer}`;
  }
  graph.node('ReduceMean', [value, graph.numbers('int64', [1], [2])], {
    outputs: ['OUTPUT'],
    attributes: { keepdims: int(0) },
  });
  graph.output('OUTPUT', 'float', ['N', 128]);
  return encodeOnnx(graph.build(BUILD));
}

/**
 * A model with one FP32 input of (N, …item); `batching` is its scheduling. A configuration without `output` leaves that to the server, which then adds
 * dynamic batching, too.
 */
export function batchModelConfig(
  {
    name,
    item,
    output,
    batching,
  }: {
    readonly name: string;
    readonly item: readonly number[];
    readonly output?: readonly number[];
    readonly batching: string;
  },
  maxBatchSize: number,
): string {
  return `name: "${name}"
platform: "onnxruntime_onnx"
max_batch_size: ${maxBatchSize}
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ ${item.join(', ')} ] } ]
${output === undefined ? '' : `output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ ${output.join(', ')} ] } ]`}
instance_group [ { count: 1 kind: KIND_CPU } ]
${batching}
`;
}
