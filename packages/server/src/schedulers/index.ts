export { DirectScheduler } from './direct/scheduler.ts';
export { type BatchingPolicy, batchingPolicy, makePolicy, type QueuePolicy } from './dynamic-batch/policy.ts';
export { DynamicBatchScheduler } from './dynamic-batch/scheduler.ts';
export type { Executors } from './instance-pool.ts';
export { type InstanceLimits, RateLimiter, type Turn } from './rate-limiter/limiter.ts';
export type { RateLimitResource } from './rate-limiter/resource-pool.ts';
export { type SequencePolicy, sequencePolicy } from './sequence/policy.ts';
export { SequenceScheduler } from './sequence/scheduler.ts';
