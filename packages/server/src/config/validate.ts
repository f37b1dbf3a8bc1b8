import type { ModelConfig } from '@nereid/protocol/model-config';
import { instanceGroupProblems, normalizeInstanceGroups } from './instance-group.ts';
import { normalizeModelConfig } from './normalize.ts';
import { invalid, type Problems, throwFirst } from './problem.ts';
import { dynamicBatchingProblems } from './rules/dynamic-batching.ts';
import { ensembleProblems } from './rules/ensemble.ts';
import { metricsProblems } from './rules/metrics.ts';
import { platformProblems } from './rules/platform.ts';
import { sequenceBatchingProblems } from './rules/sequence-batching.ts';
import { modelIoProblems } from './rules/tensor-io.ts';
import { checkRuntime } from './runtime.ts';

/** Everything but inputs, outputs and instance groups, in Triton's order. Expects a normalised configuration. */
export function* modelConfigProblems(config: ModelConfig): Problems {
  yield* platformProblems(config);
  yield* dynamicBatchingProblems(config);
  yield* sequenceBatchingProblems(config);
  yield* ensembleProblems(config);
  if (config.modelTransactionPolicy?.decoupled && config.responseCache?.enable) {
    const subject = `model ${config.name} with 'decoupled' transaction policy`;
    const message = `Response Cache does not currently support ${subject}. Please disable the response cache.`;
    yield invalid(message, 'response_cache');
  }
  yield* metricsProblems(config);
}

/** @throws StatusError with the first problem Triton would report */
export function validateModelConfig(config: ModelConfig): void {
  throwFirst(modelConfigProblems(config));
}

/** @throws StatusError with the first problem of inputs, outputs, batch inputs and batch outputs */
export function validateModelIo(config: ModelConfig): void {
  throwFirst(modelIoProblems(config));
}

/** @throws StatusError with the first problem of normalised instance groups */
function validateInstanceGroups(config: ModelConfig): void {
  throwFirst(instanceGroupProblems(config));
}

export interface CompletionOptions {
  /** `Backend.defaultInstanceCount` */
  readonly defaultInstanceCount: number;
  /** The backend's auto-complete; not given when it has none or it is disabled. */
  readonly autoComplete?: (config: ModelConfig) => Promise<ModelConfig>;
}

/**
 * What happens to a polled configuration before its model loads, in Triton's order: instance groups are normalised and checked, the backend
 * completes what is missing, and the result is normalised and checked as a whole.
 * @throws StatusError
 */
export async function completeModelConfig(config: ModelConfig, options: CompletionOptions): Promise<ModelConfig> {
  checkRuntime(config);
  normalizeInstanceGroups(config, options.defaultInstanceCount);
  validateInstanceGroups(config);
  const complete = (await options.autoComplete?.(config)) ?? config;
  normalizeModelConfig(complete);
  validateModelConfig(complete);
  validateModelIo(complete);
  return complete;
}
