export type { ClientOptions, InferenceClient, RetryPolicy, TlsOptions } from './client.ts';
export type {
  CallOptions,
  Compression,
  InferOptions,
  InferRequest,
  ModelRef,
  ParameterValue,
  RequestedOutput,
  SequencePosition,
} from './request.ts';
export { InferResult } from './result.ts';
export type {
  BatchStatistics,
  CudaSharedMemoryRegion,
  InferenceStatistics,
  LoadOverrides,
  LogSettings,
  MemoryUsage,
  ModelConfig,
  ModelMetadata,
  ModelStatistics,
  RepositoryIndexEntry,
  ResponseStatistics,
  ServerMetadata,
  StatisticDuration,
  SystemSharedMemoryRegion,
  TensorMetadata,
  TraceSettings,
  TraceSettingsUpdate,
  UnloadOptions,
} from './server-info.ts';
