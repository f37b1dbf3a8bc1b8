import {
  type ModelConfig,
  type ModelDynamicBatching,
  ModelQueuePolicy_TimeoutAction,
} from '@nereid/protocol/model-config';
import { invalid, type Problems } from '../problem.ts';

type QueuePolicy = ModelDynamicBatching['defaultQueuePolicy'];

/** Preferred sizes, priorities, and what does not go with `preserve_ordering`. */
export function* dynamicBatchingProblems(config: ModelConfig): Problems {
  if (config.schedulingChoice.case !== 'dynamicBatching') return;
  const batching = config.schedulingChoice.value;
  for (const [index, size] of batching.preferredBatchSize.entries()) {
    const path = ['dynamic_batching', 'preferred_batch_size', index] as const;
    if (size <= 0) yield invalid(`dynamic batching preferred size must be positive for ${config.name}`, ...path);
    else if (size > config.maxBatchSize) {
      yield invalid(`dynamic batching preferred size must be <= max batch size for ${config.name}`, ...path);
    }
  }
  if (batching.priorityLevels !== 0n) yield* priorityProblems(batching, config.name);
  if (batching.preserveOrdering) yield* orderingProblems(batching, config.name);
}

function* priorityProblems(batching: ModelDynamicBatching, modelName: string): Problems {
  const inRange = (level: bigint) => level > 0n && level <= batching.priorityLevels;
  const range = `in range [1, ${batching.priorityLevels}] for ${modelName}`;
  if (!inRange(batching.defaultPriorityLevel)) {
    yield invalid(`default priority level must be ${range}`, 'dynamic_batching', 'default_priority_level');
  }
  for (const key of Object.keys(batching.priorityQueuePolicy)) {
    if (inRange(BigInt(key))) continue;
    const message = `priority queue policy must have priority level ${range}`;
    yield invalid(message, 'dynamic_batching', 'priority_queue_policy', { key });
  }
}

function* orderingProblems(batching: ModelDynamicBatching, modelName: string): Problems {
  if (batching.priorityLevels > 1n) {
    const message = `Only one priority level is allowed when 'preserve_ordering' is true for ${modelName}`;
    yield invalid(message, 'dynamic_batching', 'priority_levels');
  }
  const delayed = `Queue policy can not have DELAY as timeout action when 'preserve_ordering' is true for ${modelName}`;
  if (delays(batching.defaultQueuePolicy)) yield invalid(delayed, 'dynamic_batching', 'default_queue_policy');
  for (const [key, policy] of Object.entries(batching.priorityQueuePolicy)) {
    if (delays(policy)) yield invalid(delayed, 'dynamic_batching', 'priority_queue_policy', { key });
  }
}

function delays(policy: QueuePolicy): boolean {
  return (
    policy !== undefined &&
    policy.defaultTimeoutMicroseconds !== 0n &&
    policy.timeoutAction === ModelQueuePolicy_TimeoutAction.DELAY
  );
}
