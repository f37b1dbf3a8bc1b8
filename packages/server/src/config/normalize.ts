import { create } from '@bufbuild/protobuf';
import {
  type ModelConfig,
  ModelOptimizationPolicy_PinnedMemoryBufferSchema,
  ModelOptimizationPolicySchema,
  ModelVersionPolicySchema,
} from '@nereid/protocol/model-config';

const DEFAULT_SEQUENCE_IDLE_MICROSECONDS = 1_000_000n;

/** Puts Triton's defaults where a configuration leaves something open. Run again after a backend completed it: repeating it changes nothing. */
export function normalizeModelConfig(config: ModelConfig): void {
  config.versionPolicy ??= create(ModelVersionPolicySchema, {
    policyChoice: { case: 'latest', value: { numVersions: 1 } },
  });
  const scheduling = config.schedulingChoice;
  if (scheduling.case === 'dynamicBatching') {
    preferFullBatch(scheduling.value.preferredBatchSize, config.maxBatchSize);
  } else if (scheduling.case === 'sequenceBatching') {
    const batching = scheduling.value;
    if (batching.maxSequenceIdleMicroseconds === 0n) {
      batching.maxSequenceIdleMicroseconds = DEFAULT_SEQUENCE_IDLE_MICROSECONDS;
    }
    if (batching.strategyChoice.case === 'oldest') {
      preferFullBatch(batching.strategyChoice.value.preferredBatchSize, config.maxBatchSize);
    }
  }
  if (scheduling.case !== 'ensembleScheduling') normalizeOptimization(config);
}

function preferFullBatch(preferred: number[], maxBatchSize: number): void {
  if (preferred.length === 0 && maxBatchSize > 0) preferred.push(maxBatchSize);
}

function normalizeOptimization(config: ModelConfig): void {
  config.optimization ??= create(ModelOptimizationPolicySchema);
  const pinned = () => create(ModelOptimizationPolicy_PinnedMemoryBufferSchema, { enable: true });
  config.optimization.inputPinnedMemory ??= pinned();
  config.optimization.outputPinnedMemory ??= pinned();
}
