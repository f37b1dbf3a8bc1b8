import { StatusError } from '@nereid/protocol';
import type { ModelConfig, ModelDynamicBatching, ModelQueuePolicy } from '@nereid/protocol/model-config';

/** What becomes of a request that waits longer than its timeout. The number is the enum's in model_config.proto. */
const DELAY = 1;

export interface QueuePolicy {
  /** True: an expired request is refused. False: it goes behind the others of its priority. */
  readonly rejectExpired: boolean;
  /** 0: no timeout. */
  readonly timeoutMicros: number;
  /** Whether a request may ask for a shorter one. */
  readonly allowOverride: boolean;
  /** 0: no limit. Delayed requests count too. */
  readonly maxSize: number;
}

/** `dynamic_batching` with numbers and defaults. */
export interface BatchingPolicy {
  readonly maxBatchSize: number;
  readonly preferredSizes: ReadonlySet<number>;
  /** The largest preferred size; a batch that cannot get larger than this is sent. */
  readonly maxPreferredSize: number;
  readonly maxDelayNs: number;
  readonly preserveOrdering: boolean;
  /** 0: no priorities. Level 1 is served first. */
  readonly priorityLevels: number;
  readonly defaultPriority: number;
  readonly defaultQueue: QueuePolicy;
  readonly queueByPriority: ReadonlyMap<number, QueuePolicy>;
  /** How long requests may be passed over by those before them until one of them goes first; Infinity: for ever, as in Triton. */
  readonly maxStarvationNs: number;
}

/** Parameter of a model's configuration, an extension of this server; 0 is for ever. */
const STARVATION_PARAMETER = 'max_priority_starvation_microseconds';
const DEFAULT_MAX_STARVATION_NS = 10e9;

const NO_POLICY: QueuePolicy = { rejectExpired: true, timeoutMicros: 0, allowOverride: false, maxSize: 0 };

/**
 * Reads the policy of a model; without `dynamic_batching` it is the default one.
 * @throws StatusError INVALID_ARG for a parameter that is no count
 */
export function batchingPolicy(config: ModelConfig): BatchingPolicy {
  const batching: Partial<ModelDynamicBatching> =
    config.schedulingChoice.case === 'dynamicBatching' ? config.schedulingChoice.value : {};
  const priorities = Object.entries(batching.priorityQueuePolicy ?? {});
  return makePolicy({
    maxBatchSize: config.maxBatchSize,
    preferredSizes: batching.preferredBatchSize ?? [],
    maxDelayNs: Number(batching.maxQueueDelayMicroseconds ?? 0n) * 1000,
    preserveOrdering: batching.preserveOrdering ?? false,
    priorityLevels: Number(batching.priorityLevels ?? 0n),
    defaultPriority: Number(batching.defaultPriorityLevel ?? 0n),
    defaultQueue: queuePolicy(batching.defaultQueuePolicy),
    queueByPriority: new Map(priorities.map(([level, policy]) => [Number(level), queuePolicy(policy)])),
    maxStarvationNs: maxStarvationNs(config),
  });
}

function maxStarvationNs(config: ModelConfig): number {
  const text = config.parameters[STARVATION_PARAMETER]?.stringValue;
  if (text === undefined) return DEFAULT_MAX_STARVATION_NS;
  const micros = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(micros)) {
    throw new StatusError(
      'INVALID_ARG',
      `parameter '${STARVATION_PARAMETER}' of model '${config.name}' must be a number of at least 0, got '${text}'`,
    );
  }
  return micros === 0 ? Number.POSITIVE_INFINITY : micros * 1000;
}

/** Fills what follows from the rest. A model without a batch dimension runs one request at a time. */
export function makePolicy(
  given: Pick<BatchingPolicy, 'maxBatchSize'> &
    Partial<Omit<BatchingPolicy, 'preferredSizes' | 'maxPreferredSize'>> & {
      readonly preferredSizes?: readonly number[];
    },
): BatchingPolicy {
  const maxBatchSize = Math.max(1, given.maxBatchSize);
  const sizes = given.preferredSizes === undefined || given.preferredSizes.length === 0 ? [] : given.preferredSizes;
  return {
    maxBatchSize,
    preferredSizes: new Set(sizes),
    maxPreferredSize: sizes.length === 0 ? maxBatchSize : Math.max(...sizes),
    maxDelayNs: given.maxDelayNs ?? 0,
    preserveOrdering: given.preserveOrdering ?? false,
    priorityLevels: given.priorityLevels ?? 0,
    defaultPriority: given.defaultPriority ?? 0,
    defaultQueue: given.defaultQueue ?? NO_POLICY,
    queueByPriority: given.queueByPriority ?? new Map(),
    maxStarvationNs: given.maxStarvationNs ?? DEFAULT_MAX_STARVATION_NS,
  };
}

function queuePolicy(policy: ModelQueuePolicy | undefined): QueuePolicy {
  if (policy === undefined) return NO_POLICY;
  return {
    rejectExpired: policy.timeoutAction !== DELAY,
    timeoutMicros: Number(policy.defaultTimeoutMicroseconds),
    allowOverride: policy.allowTimeoutOverride,
    maxSize: policy.maxQueueSize,
  };
}
