import type { ReportedTensor } from '@nereid/importers';
import { type DataType, isDataType, StatusError } from '@nereid/protocol';
import type { ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import { configDataTypeName, type ModelConfig, printDims, toProtocolDataType } from '../../config/index.ts';
import { ProblemList } from '../problem-list.ts';

/** What to do with a SavedModel. */
const SAVED_MODEL_HINT =
  ': freeze it into a graph, with convert_variables_to_constants_v2 of tensorflow.python.framework.convert_to_constants, write that as ' +
  "1/model.graphdef and set platform 'tensorflow_graphdef'";

/** Types of tensors that TensorFlow's backend takes. */
const UNSUPPORTED_TYPES: readonly DataType[] = ['BF16'];

/** ONNX element types by the protocol's names. */
const PROTOCOL_TYPES: Readonly<Record<string, string>> = {
  float: 'FP32',
  double: 'FP64',
  float16: 'FP16',
  bfloat16: 'BF16',
  string: 'BYTES',
};

/**
 * Refuses what the TensorFlow backend refuses before it opens the model.
 * @throws StatusError with Triton's texts
 */
export function checkBeforeLoad(config: ModelConfig): void {
  if (config.platform !== 'tensorflow_graphdef') {
    const isSavedModel = config.platform === 'tensorflow_savedmodel';
    const hint = isSavedModel ? SAVED_MODEL_HINT : '';
    throw new StatusError(
      isSavedModel ? 'UNSUPPORTED' : 'INVALID_ARG',
      `platform ${config.platform} not supported for TensorFlow model '${config.name}'${hint}`,
    );
  }
  for (const tensor of [...config.input, ...config.output]) {
    const type = toProtocolDataType(tensor.dataType);
    if (type !== undefined && !UNSUPPORTED_TYPES.includes(type)) continue;
    throw new StatusError(
      'INVALID_ARG',
      `unsupported datatype '${configDataTypeName(tensor.dataType)}' for tensor '${tensor.name}' for model '${config.name}'`,
    );
  }
}

/**
 * Compares types and shapes of a configuration with what the graph has. Triton finds these out with the first request; its words are those it
 * has for saved models.
 * @throws StatusError INVALID_ARG
 */
export function checkTensors(
  config: ModelConfig,
  inputs: readonly ReportedTensor[],
  outputs: readonly ReportedTensor[],
): void {
  const problems = new ProblemList();
  for (const input of config.input) {
    const found = inputs.find(({ name }) => name === input.name);
    if (found === undefined) continue;
    problems.collect(() => {
      checkType(config, 'input', input, found);
      if (!input.allowRaggedBatch) checkDims(config, input, found.shape);
    });
  }
  const scattered = new Set(config.batchOutput.flatMap(({ targetName }) => targetName));
  for (const output of config.output) {
    const found = outputs.find(({ name }) => name === output.name);
    if (found === undefined) continue;
    problems.collect(() => {
      checkType(config, 'output', output, found);
      if (!scattered.has(output.name)) checkDims(config, output, found.shape);
    });
  }
  problems.throwFirst();
}

function checkType(config: ModelConfig, kind: string, tensor: ModelInput | ModelOutput, found: ReportedTensor): void {
  const provided = PROTOCOL_TYPES[found.elementType] ?? found.elementType.toUpperCase();
  if (provided === toProtocolDataType(tensor.dataType)) return;
  const printed = isDataType(provided) && provided === 'BYTES' ? 'STRING' : provided;
  throw new StatusError(
    'INVALID_ARG',
    `unable to load model '${config.name}', configuration expects datatype ${configDataTypeName(tensor.dataType)} for ${kind} ` +
      `'${tensor.name}', model provides TYPE_${printed}`,
  );
}

/** -1 fits everything, on either side: what the importer does not know is not held against the configuration. */
function checkDims(
  config: ModelConfig,
  tensor: ModelInput | ModelOutput,
  modelShape: readonly number[] | undefined,
): void {
  if (modelShape === undefined) return;
  const dims = (tensor.reshape?.shape ?? tensor.dims).map(Number);
  const batches = config.maxBatchSize > 0;
  const full = batches ? [-1, ...dims] : dims;
  if (!batches && modelShape.length === 0 && dims.every((dim) => dim === 1)) return;
  const fits =
    full.length === modelShape.length &&
    full.every((dim, axis) => dim === -1 || modelShape[axis] === -1 || dim === modelShape[axis]);
  if (fits) return;
  const specified = batches
    ? `${full.length} dimensions (an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape ${printDims(full)})`
    : `${full.length} dimensions (shape ${printDims(full)})`;
  throw new StatusError(
    'INVALID_ARG',
    `model '${config.name}', tensor '${tensor.name}': the model expects ${modelShape.length} dimensions (shape ${printDims(modelShape)}) ` +
      `but the model configuration specifies ${specified}`,
  );
}
