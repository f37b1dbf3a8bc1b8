import { create } from '@bufbuild/protobuf';
import type { ValueInfo } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import {
  DataType,
  ModelDynamicBatchingSchema,
  type ModelInput,
  ModelInputSchema,
  type ModelOutput,
  ModelOutputSchema,
  ModelTensorReshapeSchema,
} from '@nereid/protocol/model-config';
import { type ModelConfig, toConfigDataType } from '../../config/index.ts';
import type { Logger } from '../../inference/index.ts';
import { unorderedMapOrder } from './hash-order.ts';
import type { ModelInterface } from './model-interface.ts';

const SOURCE = 'onnxruntime.cc';

/** Whether a configuration lists inputs and outputs already, so that the model need not be asked. */
export function isComplete(config: ModelConfig): boolean {
  return config.input.length + config.batchInput.length > 0 && config.output.length > 0;
}

export function logSkipped(config: ModelConfig, log: Logger): void {
  log.info(
    `skipping model configuration auto-complete for '${config.name}': inputs and outputs already specified`,
    SOURCE,
  );
}

/**
 * Fills `config` in from the model: maximum batch size, dynamic batching, inputs and outputs that are missing.
 * @throws StatusError INVALID_ARG when it asks for batches and the model cannot take them
 */
export function completeFromModel(
  config: ModelConfig,
  model: ModelInterface,
  defaultMaxBatchSize: number,
  log: Logger,
): void {
  completeMaxBatchSize(config, model, defaultMaxBatchSize, log);
  const batching = config.maxBatchSize > 0;
  if (config.input.length + config.batchInput.length === 0) {
    config.input = inListedOrder(model.inputs).map((info) => completedInput(info, batching));
  }
  if (config.output.length === 0) {
    config.output = inListedOrder(model.outputs).map((info) => completedOutput(info, batching));
  }
}

function completeMaxBatchSize(config: ModelConfig, model: ModelInterface, defaultSize: number, log: Logger): void {
  const batchable = [...model.inputs, ...model.outputs].every(({ dims }) => dims[0] === -1);
  if (!batchable) {
    if (config.maxBatchSize === 0) return;
    throw new StatusError(
      'INVALID_ARG',
      `autofill failed for model '${config.name}': model does not support batching while non-zero max_batch_size is specified`,
    );
  }
  if (config.maxBatchSize === 0) {
    config.maxBatchSize = Math.max(defaultSize, 0);
    log.warning(
      // The spelling is Triton's.
      `autofilled max_batch_size to ${config.maxBatchSize} for model '${config.name}' since batching is supporrted but no max_batch_size is ` +
        'specified in model configuration. Must specify max_batch_size to utilize autofill with a larger max batch size',
      SOURCE,
    );
  }
  if (config.maxBatchSize > 1 && config.schedulingChoice.case === undefined) {
    config.schedulingChoice = { case: 'dynamicBatching', value: create(ModelDynamicBatchingSchema) };
  }
}

function inListedOrder(infos: readonly ValueInfo[]): ValueInfo[] {
  const order = unorderedMapOrder(infos.map(({ name }) => name));
  return order.flatMap((name) => infos.find((info) => info.name === name) ?? []);
}

function completedInput(info: ValueInfo, batching: boolean): ModelInput {
  return create(ModelInputSchema, completedTensor(info, batching));
}

function completedOutput(info: ValueInfo, batching: boolean): ModelOutput {
  return create(ModelOutputSchema, completedTensor(info, batching));
}

/** What is left without dimensions gets one of size 1, and with batching the reshape that takes it away again. */
function completedTensor(info: ValueInfo, batching: boolean) {
  const dims = info.dims.slice(batching ? 1 : 0).map(BigInt);
  const isScalar = dims.length === 0;
  return {
    name: info.name,
    dataType: info.dataType === undefined ? DataType.TYPE_INVALID : toConfigDataType(info.dataType),
    dims: isScalar ? [1n] : dims,
    ...(isScalar && batching ? { reshape: create(ModelTensorReshapeSchema) } : {}),
  };
}
