import { readPipeline } from './format/index.ts';
import { OPERATOR_TABLE } from './operators/index.ts';
import { compilePipeline } from './pipeline/index.ts';

/** A pipeline in a few words. */
export interface PipelineInspection {
  readonly batchSize: number;
  readonly numThreads: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Schema name and instance name, in order. */
  readonly operators: readonly { readonly name: string; readonly instance: string }[];
}

/**
 * Reads the bytes of a `model.dali` and checks that this server can run it. Throws PipelineFormatError for what is no pipeline, Error naming the operator for what
 * is not supported.
 */
export function inspectPipeline(bytes: Uint8Array): PipelineInspection {
  const definition = readPipeline(bytes);
  const { sources, outputs } = compilePipeline(definition, OPERATOR_TABLE);
  return {
    batchSize: definition.batchSize,
    numThreads: definition.numThreads,
    inputs: sources.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
    operators: definition.ops.map(({ name, instanceName }) => ({ name, instance: instanceName })),
  };
}
