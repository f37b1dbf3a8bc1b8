import { clone, create } from '@bufbuild/protobuf';
import {
  DataType,
  ModelConfigSchema,
  ModelDynamicBatchingSchema,
  type ModelInput,
  ModelInputSchema,
  type ModelOutput,
  ModelOutputSchema,
} from '@nereid/protocol/model-config';
import type { ModelConfig } from '../../config/index.ts';
import { declaredDims, invalid, matchDataType, matchDims, type PipelineIo } from './config-io.ts';

/** What auto-complete and validation know of a pipeline. */
export interface PipelineInterface {
  readonly inputs: readonly PipelineIo[];
  readonly outputs: readonly PipelineIo[];
  readonly maxBatchSize: number;
  /** False when the configuration's file says `max_batch_size: 0`. */
  readonly isBatched: boolean;
}

/**
 * DALI's auto-complete: inputs are matched by name and get `allow_ragged_batch`, outputs by index; dims are -1 where declared; `max_batch_size` is the
 * pipeline's where the configuration has none; dynamic batching is turned on. Returns a new message; throws StatusError INVALID_ARG.
 */
export function completeFromPipeline(config: ModelConfig, pipeline: PipelineInterface): ModelConfig {
  const completed = clone(ModelConfigSchema, config);
  completeInputs(completed, pipeline);
  completeOutputs(completed, pipeline);
  if (completed.maxBatchSize < 0 || (pipeline.isBatched && completed.maxBatchSize === 0)) {
    completed.maxBatchSize = pipeline.maxBatchSize;
  }
  if (pipeline.isBatched && completed.schedulingChoice.case === undefined) {
    completed.schedulingChoice = { case: 'dynamicBatching', value: create(ModelDynamicBatchingSchema) };
  }
  return completed;
}

function completeInputs(config: ModelConfig, { inputs, isBatched }: PipelineInterface): void {
  checkInputNames(config, inputs);
  for (const io of inputs) {
    let input = config.input.find(({ name }) => name === io.name);
    if (input === undefined) {
      input = create(ModelInputSchema, { name: io.name });
      config.input.push(input);
    }
    completeIo(input, io, isBatched);
    input.allowRaggedBatch = true;
  }
}

function completeOutputs(config: ModelConfig, { outputs, isBatched }: PipelineInterface): void {
  if (config.output.length > outputs.length) throw outputCountError(config, outputs);
  outputs.forEach((io, index) => {
    const output = config.output[index] ?? create(ModelOutputSchema, { name: io.name });
    if (config.output[index] === undefined) config.output.push(output);
    if (output.name === '') output.name = io.name;
    completeIo(output, io, isBatched);
  });
}

function completeIo(entry: ModelInput | ModelOutput, io: PipelineIo, isBatched: boolean): void {
  entry.dataType = matchDataType(entry, io.name, io.type);
  if (io.ndim === undefined) return;
  entry.dims =
    entry.dims.length > 0 ? matchDims(entry.dims, entry.name, io.ndim, isBatched) : declaredDims(io.ndim, isBatched);
}

/** Checks a complete configuration against the pipeline. Throws StatusError INVALID_ARG with DALI's texts. */
export function validateAgainstPipeline(config: ModelConfig, { inputs, outputs, isBatched }: PipelineInterface): void {
  checkInputNames(config, inputs);
  for (const io of inputs) {
    const input = config.input.find(({ name }) => name === io.name);
    if (input === undefined) throw invalid(`Missing config for "${io.name}" input.`);
    validateIo(input, io, isBatched);
  }
  if (config.output.length !== outputs.length) throw outputCountError(config, outputs);
  outputs.forEach((io, index) => {
    validateIo(config.output[index]!, io, isBatched);
  });
}

function validateIo(entry: ModelInput | ModelOutput, io: PipelineIo, isBatched: boolean): void {
  if (entry.dataType === DataType.TYPE_INVALID) throw invalid(`Missing data_type config for "${entry.name}"`);
  matchDataType(entry, entry.name, io.type);
  if (io.ndim !== undefined) matchDims(entry.dims, entry.name, io.ndim, isBatched);
}

function checkInputNames(config: ModelConfig, inputs: readonly PipelineIo[]): void {
  for (const [index, { name }] of config.input.entries()) {
    if (name === '')
      throw invalid(`The input at index ${index} in the model configuration does not contain a \`name\` field.`);
    if (!inputs.some((input) => input.name === name)) {
      throw invalid(`Configuration file contains config for ${name} but such input is not present in the pipeline.`);
    }
  }
}

function outputCountError(config: ModelConfig, outputs: readonly PipelineIo[]) {
  return invalid(
    'The number of outputs specified in the DALI pipeline and the configuration file do not match.' +
      `\nModel config outputs: ${config.output.length}\nPipeline outputs: ${outputs.length}`,
  );
}
