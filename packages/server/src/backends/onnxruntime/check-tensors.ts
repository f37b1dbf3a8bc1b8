import type { ValueInfo } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import type { ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import { configDataTypeName, type ModelConfig, printDims, toProtocolDataType } from '../../config/index.ts';
import type { ProblemList } from '../problem-list.ts';
import { configTypeName, type ModelInterface } from './model-interface.ts';

/**
 * Checks the inputs of a configuration against the model: their number, names, types and shapes, with Triton's texts in Triton's order.
 * What is wrong goes into `problems`.
 */
export function checkInputs(
  config: ModelConfig,
  model: ModelInterface,
  expectedCount: number,
  problems: ProblemList,
): void {
  problems.collect(() => {
    if (model.inputs.length === expectedCount) return;
    throw cannotLoad(config, `configuration expects ${expectedCount} inputs, model provides ${model.inputs.length}`);
  });
  const known = [...model.inputs, ...model.optionalInputs];
  for (const input of config.input) problems.collect(() => checkInput(config, input, known));
}

/** Checks the outputs of a configuration against the model. What is wrong goes into `problems`. */
export function checkOutputs(config: ModelConfig, model: ModelInterface, problems: ProblemList): void {
  const scattered = new Set(config.batchOutput.flatMap(({ targetName }) => targetName));
  for (const output of config.output) {
    problems.collect(() => {
      const info = findTensor('output', output.name, model.outputs);
      checkType(config, 'output', output, info);
      if (!scattered.has(output.name)) checkDims(config, output, info, true);
    });
  }
}

function checkInput(config: ModelConfig, input: ModelInput, known: readonly ValueInfo[]): void {
  if (input.optional && config.maxBatchSize !== 0) {
    throw cannotLoad(config, `optional input '${input.name}' is not supported for models that support batching`);
  }
  const info = findTensor('input', input.name, known);
  checkType(config, 'input', input, info);
  if (input.allowRaggedBatch) checkRagged(config, input, info);
  else checkDims(config, input, info, false);
}

/** @throws StatusError INVALID_ARG listing the model's own names, sorted */
export function findTensor(kind: 'input' | 'output', name: string, known: readonly ValueInfo[]): ValueInfo {
  const info = known.find((candidate) => candidate.name === name);
  if (info !== undefined) return info;
  const allowed = [...new Set(known.map((candidate) => candidate.name))].sort(byCodeUnits);
  throw new StatusError(
    'INVALID_ARG',
    `unexpected inference ${kind} '${name}', allowed ${kind}s are: ${allowed.join(', ')}`,
  );
}

export function cannotLoad(config: ModelConfig, reason: string): StatusError {
  return new StatusError('INVALID_ARG', `unable to load model '${config.name}', ${reason}`);
}

function checkType(config: ModelConfig, kind: string, tensor: ModelInput | ModelOutput, info: ValueInfo): void {
  const wanted = toProtocolDataType(tensor.dataType);
  const name = configDataTypeName(tensor.dataType);
  if (wanted === undefined) {
    throw new StatusError(
      'INTERNAL',
      `unsupported datatype ${name} for ${kind} '${tensor.name}' for model '${config.name}'`,
    );
  }
  if (wanted === info.dataType) return;
  throw cannotLoad(
    config,
    `configuration expects datatype ${name} for ${kind} '${tensor.name}', model provides ${configTypeName(info)}`,
  );
}

function checkRagged(config: ModelConfig, input: ModelInput, info: ValueInfo): void {
  if (input.optional) {
    throw cannotLoad(
      config,
      `configuration expects model provides input with shape [-1] for ragged input '${input.name}', ` +
        'which is not supported for optional input',
    );
  }
  if (info.dims.length === 1 && info.dims[0] === -1) return;
  throw cannotLoad(
    config,
    // The two spaces are Triton's.
    `configuration expects model provides input with shape [-1]  for ragged input '${input.name}', model provides ${printDims(info.dims)}`,
  );
}

/** `exact`: a variable dimension of the model must be variable in the configuration too. */
function checkDims(config: ModelConfig, tensor: ModelInput | ModelOutput, info: ValueInfo, exact: boolean): void {
  const dims = (tensor.reshape?.shape ?? tensor.dims).map(Number);
  if (info.dims.length === 0) checkScalar(config, tensor.name, dims);
  else if (config.maxBatchSize > 0) checkBatchDims(config.name, tensor.name, info.dims, dims, exact);
  else if (!dimsFit(info.dims, dims, exact)) {
    throw new StatusError(
      'INVALID_ARG',
      `${expectation(config.name, tensor.name, info.dims)} but the model configuration specifies ${dims.length} dimensions ` +
        `(shape ${printDims(dims)})`,
    );
  }
}

function checkScalar(config: ModelConfig, name: string, dims: readonly number[]): void {
  if (dims.every((dim) => dim === 1)) return;
  throw cannotLoad(
    config,
    `scalar tensor '${name}', should only provide 1 in the model configuration when the model doesn't support batching. ` +
      `Model configuration provided: ${printDims(dims)}.`,
  );
}

function checkBatchDims(
  modelName: string,
  tensorName: string,
  modelDims: readonly number[],
  dims: readonly number[],
  exact: boolean,
): void {
  if (modelDims[0] !== -1) {
    throw new StatusError(
      'INVALID_ARG',
      `model '${modelName}', tensor '${tensorName}': for the model to support batching the shape should have at least 1 dimension and the ` +
        `first dimension must be -1; but shape expected by the model is ${printDims(modelDims)}`,
    );
  }
  const fullDims = [-1, ...dims];
  if (dimsFit(modelDims, fullDims, exact)) return;
  throw new StatusError(
    'INVALID_ARG',
    `${expectation(modelName, tensorName, modelDims)} but the model configuration specifies ${fullDims.length} dimensions ` +
      '(an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape ' +
      `${printDims(fullDims)})`,
  );
}

function expectation(modelName: string, tensorName: string, modelDims: readonly number[]): string {
  return `model '${modelName}', tensor '${tensorName}': the model expects ${modelDims.length} dimensions (shape ${printDims(modelDims)})`;
}

function dimsFit(modelDims: readonly number[], dims: readonly number[], exact: boolean): boolean {
  return (
    modelDims.length === dims.length && modelDims.every((dim, axis) => dim === dims[axis] || (!exact && dim === -1))
  );
}

/** As C++ sorts strings. */
function byCodeUnits(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
