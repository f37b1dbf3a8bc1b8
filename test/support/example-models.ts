import { writeModel as encodeOnnx, GraphBuilder, int } from '@nereid/onnx';
import { writeModel } from './model-repository.ts';

/** Numbers of data types in an ONNX file. */
const ONNX_TYPE = { int8: 3, int32: 6, string: 8 } as const;

/**
 * Writes models that answer as those of Triton's `docs/examples` do, under their names: `simple`, `simple_int8`, `simple_string` (sum and
 * difference), `simple_sequence`, `simple_dyna_sequence` (value plus what the sequence's controls say), `simple_identity`, and two that look
 * like the picture classifiers `densenet_onnx` and `inception_onnx`, but only weigh the means of the colours.
 */
export function writeExampleRepository(directory: string): void {
  writeAddSub(directory, 'simple', 'int32', 'TYPE_INT32');
  writeAddSub(directory, 'simple_int8', 'int8', 'TYPE_INT8');
  writeAddSub(directory, 'simple_string', 'string', 'TYPE_STRING');
  writeSequence(directory, 'simple_sequence', undefined);
  writeSequence(directory, 'simple_dyna_sequence', 'uint64');
  writeIdentity(directory, 'simple_identity', 'TYPE_STRING');
  writeColourClassifier(directory, {
    name: 'densenet_onnx',
    input: 'data_0',
    output: 'fc6_1',
    layout: 'NCHW',
    size: 224,
    classes: 1000,
  });
  writeColourClassifier(directory, {
    name: 'inception_onnx',
    input: 'input:0',
    output: 'InceptionV3/Predictions/Softmax:0',
    layout: 'NHWC',
    size: 299,
    classes: 1001,
  });
}

/** Models that only some of the example clients use: an identity of INT32, a sequence model that tells sequences by text, a decoupled one. */
export function writeFurtherExamples(directory: string): void {
  writeSequence(directory, 'simple_string_dyna_sequence', 'string');
  writeSequence(directory, 'simple_dyna_sequence', 'uint64');
  writeIdentity(directory, 'custom_identity_int32', 'TYPE_INT32');
  writeModel(directory, 'repeat_int32', {
    '1/.keep': '',
    'config.pbtxt': `name: "repeat_int32"
backend: "repeat"
model_transaction_policy { decoupled: true }
input [
  { name: "IN" data_type: TYPE_INT32 dims: [ -1 ] },
  { name: "DELAY" data_type: TYPE_UINT32 dims: [ -1 ] },
  { name: "WAIT" data_type: TYPE_UINT32 dims: [ 1 ] }
]
output [ { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] }, { name: "IDX" data_type: TYPE_UINT32 dims: [ 1 ] } ]
`,
  });
}

function encode(graph: GraphBuilder, graphName: string): Uint8Array {
  return encodeOnnx(graph.build({ producerName: 'nereid-test', producerVersion: '1', graphName }));
}

function castTo(graph: GraphBuilder, value: string, type: keyof typeof ONNX_TYPE): string {
  return graph.node('Cast', [value], { attributes: { to: int(ONNX_TYPE[type]) } })[0]!;
}

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, (N, 16); computed in INT32. */
function writeAddSub(directory: string, name: string, type: keyof typeof ONNX_TYPE, configType: string): void {
  const graph = new GraphBuilder();
  const [first, second] = ['INPUT0', 'INPUT1'].map((input) =>
    castTo(graph, graph.input(input, type, ['N', 16]), 'int32'),
  );
  for (const [output, operator] of [
    ['OUTPUT0', 'Add'],
    ['OUTPUT1', 'Sub'],
  ] as const) {
    const [result] = graph.node(operator, [first!, second!]);
    graph.node('Cast', [result!], { outputs: [output], attributes: { to: int(ONNX_TYPE[type]) } });
    graph.output(output, type, ['N', 16]);
  }
  const tensor = (tensorName: string) => `{ name: "${tensorName}" data_type: ${configType} dims: [ 16 ] }`;
  writeModel(directory, name, {
    '1/model.onnx': encode(graph, name),
    'config.pbtxt': `name: "${name}"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ ${tensor('INPUT0')}, ${tensor('INPUT1')} ]
output [ ${tensor('OUTPUT0')}, ${tensor('OUTPUT1')} ]
`,
  });
}

/**
 * OUTPUT = INPUT + START, INT32 (N, 1); with `idType` the last one of a sequence has the sequence's id added, which is a number also where
 * it is text.
 */
function writeSequence(directory: string, name: string, idType: 'uint64' | 'string' | undefined): void {
  const graph = new GraphBuilder();
  const int32 = (input: string) => graph.input(input, 'int32', ['N', 1]);
  let [value] = graph.node('Add', [int32('INPUT'), int32('START')]);
  if (idType !== undefined) {
    const end = int32('END');
    const id = graph.input('CORRID', idType, ['N', 1]);
    const number = castTo(graph, id, 'int32');
    value = graph.node('Add', [value!, graph.node('Mul', [end, number])[0]!])[0];
  }
  graph.node('Mul', [value!, int32('READY')], { outputs: ['OUTPUT'] });
  graph.output('OUTPUT', 'int32', ['N', 1]);
  writeModel(directory, name, { '1/model.onnx': encode(graph, name), 'config.pbtxt': sequenceConfig(name, idType) });
}

function sequenceConfig(name: string, idType: 'uint64' | 'string' | undefined): string {
  const flag = (input: string) =>
    `{ name: "${input}" control [ { kind: CONTROL_SEQUENCE_${input} int32_false_true: [ 0, 1 ] } ] }`;
  const id = `{ name: "CORRID" control [ { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_${idType?.toUpperCase()} } ] }`;
  const controls =
    idType === undefined ? [flag('START'), flag('READY')] : [flag('START'), flag('END'), flag('READY'), id];
  const strategy =
    idType === undefined ? '' : 'oldest { max_candidate_sequences: 1024 max_queue_delay_microseconds: 1000 }';
  return `name: "${name}"
platform: "onnxruntime_onnx"
max_batch_size: 8
sequence_batching {
  max_sequence_idle_microseconds: 60000000
  ${strategy}
  control_input [ ${controls.join(', ')} ]
}
input [ { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
output [ { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
instance_group [ { count: 2 kind: KIND_CPU } ]
`;
}

function writeIdentity(directory: string, name: string, configType: string): void {
  writeModel(directory, name, {
    '1/.keep': '',
    'config.pbtxt': `name: "${name}"
backend: "identity"
max_batch_size: 8
input [ { name: "INPUT0" data_type: ${configType} dims: [ -1 ] } ]
output [ { name: "OUTPUT0" data_type: ${configType} dims: [ -1 ] } ]
`,
  });
}

interface ColourClassifier {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly size: number;
  readonly classes: number;
}

/** The means of the three colours, times weights that differ: FP32 picture -> FP32 scores. One picture at a time, as Triton's examples have it. */
function writeColourClassifier(
  directory: string,
  { name, input, output, layout, size, classes }: ColourClassifier,
): void {
  const shape = layout === 'NCHW' ? [3, size, size] : [size, size, 3];
  const scores = layout === 'NCHW' ? [1, classes, 1, 1] : [1, classes];
  const graph = new GraphBuilder();
  const picture = graph.input(input, 'float', [1, ...shape]);
  const axes = graph.numbers('int64', [2], layout === 'NCHW' ? [2, 3] : [1, 2]);
  const [means] = graph.node('ReduceMean', [picture, axes], { attributes: { keepdims: int(0) } });
  const weights = Array.from({ length: 3 * classes }, (_, index) => ((index * 7919) % 101) / 50 - 1);
  const [product] = graph.node('MatMul', [means!, graph.numbers('float', [3, classes], weights)]);
  graph.node('Reshape', [product!, graph.numbers('int64', [scores.length], scores)], { outputs: [output] });
  graph.output(output, 'float', scores);
  writeModel(directory, name, {
    '1/model.onnx': encode(graph, name),
    'labels.txt': Array.from({ length: classes }, (_, index) => `label ${index}\n`).join(''),
    'config.pbtxt': `name: "${name}"
platform: "onnxruntime_onnx"
max_batch_size: 0
input [
  { name: "${input}" data_type: TYPE_FP32 format: FORMAT_${layout} dims: [ ${shape.join(', ')} ] reshape { shape: [ ${[1, ...shape].join(', ')} ] } }
]
output [
  { name: "${output}" data_type: TYPE_FP32 dims: [ ${classes} ] reshape { shape: [ ${scores.join(', ')} ] } label_filename: "labels.txt" }
]
`,
  });
}
