import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel as encodeOnnx, GraphBuilder } from '@nereid/onnx';

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
