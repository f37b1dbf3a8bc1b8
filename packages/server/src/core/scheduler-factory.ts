import type { ModelConfig } from '@nereid/protocol/model-config';
import type { Logger, ModelSignature, Scheduler } from '../inference/index.ts';
import {
  batchingPolicy,
  DirectScheduler,
  DynamicBatchScheduler,
  type Executors,
  SequenceScheduler,
  sequencePolicy,
} from '../schedulers/index.ts';
import { readInitialStates } from './initial-state.ts';

export interface SchedulerParts {
  readonly config: ModelConfig;
  readonly signature: ModelSignature;
  readonly executors: Executors;
  /** Where initial states of sequences are read from. */
  readonly modelDirectory: string;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The scheduler that a configuration asks for.
 * @throws StatusError for an initial state that cannot be read
 */
export async function createScheduler(parts: SchedulerParts): Promise<Scheduler> {
  const { config, signature, executors, environment } = parts;
  const { schedulingChoice } = config;
  const startAfter = requestCount(environment['TRITONSERVER_DELAY_SCHEDULER']);
  if (schedulingChoice.case === 'dynamicBatching') {
    return new DynamicBatchScheduler(batchingPolicy(config), signature, executors, { startAfter, defer: setImmediate });
  }
  if (schedulingChoice.case === 'sequenceBatching') {
    const initialStates = await readInitialStates(schedulingChoice.value.state, parts.modelDirectory);
    const policy = sequencePolicy(config, schedulingChoice.value, initialStates);
    const startAfterBacklog = requestCount(environment['TRITONSERVER_BACKLOG_DELAY_SCHEDULER']);
    return new SequenceScheduler({ ...parts, policy, startAfter, startAfterBacklog });
  }
  return new DirectScheduler(executors);
}

function requestCount(text: string | undefined): number {
  const count = Number.parseInt(text ?? '', 10);
  return Number.isNaN(count) ? 0 : count;
}
