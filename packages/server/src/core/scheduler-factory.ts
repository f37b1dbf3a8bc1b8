import type { ModelConfig } from '../config/gen/model_config_pb.js';
import type { Clock, ModelInstance, ModelSignature, Scheduler } from '../inference/index.ts';
import type { StatisticsRecorder } from '../observability/index.ts';
import { batchingPolicy, DirectScheduler, DynamicBatchScheduler } from '../schedulers/index.ts';

export interface SchedulerParts {
  readonly config: ModelConfig;
  readonly signature: ModelSignature;
  readonly instances: readonly ModelInstance[];
  readonly clock: Clock;
  readonly statistics: StatisticsRecorder;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The scheduler that a configuration asks for. */
export function createScheduler(parts: SchedulerParts): Scheduler {
  const { config, signature, instances, clock, statistics } = parts;
  if (config.schedulingChoice.case === 'dynamicBatching') {
    const startAfter = requestCount(parts.environment['TRITONSERVER_DELAY_SCHEDULER']);
    return new DynamicBatchScheduler(batchingPolicy(config), signature, instances, clock, statistics, { startAfter });
  }
  return new DirectScheduler(instances, clock, statistics);
}

function requestCount(text: string | undefined): number {
  const count = Number.parseInt(text ?? '', 10);
  return Number.isNaN(count) ? 0 : count;
}
