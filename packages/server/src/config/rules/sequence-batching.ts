import type { ModelConfig, ModelSequenceBatching_StrategyOldest } from '@nereid/protocol/model-config';
import { invalid, type Problems } from '../problem.ts';
import { sequenceControlProblems } from './sequence-controls.ts';

/** The sequence batcher: its controls and its two strategies. */
export function* sequenceBatchingProblems(config: ModelConfig): Problems {
  if (config.schedulingChoice.case !== 'sequenceBatching') return;
  const batching = config.schedulingChoice.value;
  if (config.responseCache?.enable) {
    const subject = `model ${config.name} with sequence batching scheduler`;
    const message = `Response Cache does not currently support ${subject}. Please disable the response cache.`;
    yield invalid(message, 'response_cache');
  }
  yield* sequenceControlProblems(batching, config.name);
  const strategy = batching.strategyChoice;
  if (strategy.case === 'oldest') yield* oldestProblems(config, strategy.value);
  if (strategy.case === 'direct') {
    const utilization = strategy.value.minimumSlotUtilization;
    if (utilization < 0 || utilization > 1) {
      const message = `sequence batching minimum slot utilization must be in range (0.0, 1.0] for ${config.name}`;
      yield invalid(message, 'sequence_batching', 'direct', 'minimum_slot_utilization');
    }
  }
}

function* oldestProblems(config: ModelConfig, strategy: ModelSequenceBatching_StrategyOldest): Problems {
  for (const [index, size] of strategy.preferredBatchSize.entries()) {
    const path = ['sequence_batching', 'oldest', 'preferred_batch_size', index] as const;
    if (size <= 0) {
      yield invalid(`sequence batching preferred batch size must be positive for ${config.name}`, ...path);
    } else if (size > config.maxBatchSize) {
      yield invalid(`sequence batching preferred batch size must be <= max batch size for ${config.name}`, ...path);
    }
  }
}
