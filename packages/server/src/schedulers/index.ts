export { DirectScheduler } from './direct/scheduler.ts';
export { type BatchingPolicy, batchingPolicy, makePolicy, type QueuePolicy } from './dynamic-batch/policy.ts';
export { DynamicBatchScheduler } from './dynamic-batch/scheduler.ts';
