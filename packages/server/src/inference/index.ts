export type { Backend, BackendModel, Logger, ModelLoadContext } from './backend.ts';
export { Cancellation } from './cancellation.ts';
export { Fifo } from './fifo.ts';
export type { IndexEntry, InferenceServer, LoadOverrides, ModelHandle, ModelState } from './inference-server.ts';
export { cancelledError, errorResponse, requestPrefix, stoppingError } from './refusals.ts';
export type {
  ComputeTimes,
  CorrelationId,
  InferenceRequest,
  InferenceResponse,
  ParameterValue,
  ResponseHandler,
  StepAccount,
} from './request.ts';
export type { Clock, Dispatch, ExecutionBatch, ModelInstance, ScheduledRequest, Scheduler } from './scheduling.ts';
export type { SharedMemory, SharedMemoryLease, SharedMemoryRegion } from './shared-memory.ts';
export type { ModelSignature, TensorSignature } from './signature.ts';
export type {
  BatchStatistics,
  FailureReason,
  ModelStatistics,
  RequestTimes,
  ResponseStatistics,
  StatisticDuration,
} from './statistics.ts';
export { Timer } from './timer.ts';
export {
  RequestTrace,
  type RequestTracer,
  type TracedTensor,
  type TraceHeaders,
  type TraceMark,
} from './trace.ts';
export { type Runnable, WorkQueue } from './work-queue.ts';
