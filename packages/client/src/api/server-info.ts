import type { DataType } from '@nereid/protocol';

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  /** Extensions of the protocol that the server speaks, such as `binary_tensor_data`. */
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly dataType: DataType;
  /** -1 stands for a dimension of any size; with models that batch the first is the batch. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  /** Versions that are ready. */
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** A model's configuration as Triton's JSON shows it: the members of `config.pbtxt`, 64-bit integers as numbers (bigints beyond 2^53). */
export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly max_batch_size: number;
  readonly [member: string]: unknown;
}

/** How often something happened and how long it took together. Counters beyond 2^53 are rounded. */
export interface StatisticDuration {
  readonly count: number;
  /** Nanoseconds. */
  readonly ns: number;
}

export interface InferenceStatistics {
  readonly success: StatisticDuration;
  readonly fail: StatisticDuration;
  readonly queue: StatisticDuration;
  readonly computeInput: StatisticDuration;
  readonly computeInfer: StatisticDuration;
  readonly computeOutput: StatisticDuration;
  readonly cacheHit: StatisticDuration;
  readonly cacheMiss: StatisticDuration;
}

/** Executions of one batch size. */
export interface BatchStatistics {
  readonly batchSize: number;
  readonly computeInput: StatisticDuration;
  readonly computeInfer: StatisticDuration;
  readonly computeOutput: StatisticDuration;
}

/** The n-th response of a decoupled model's requests. */
export interface ResponseStatistics {
  readonly computeInfer: StatisticDuration;
  readonly computeOutput: StatisticDuration;
  readonly success: StatisticDuration;
  readonly fail: StatisticDuration;
  readonly emptyResponse: StatisticDuration;
  readonly cancel: StatisticDuration;
}

export interface MemoryUsage {
  readonly type: string;
  readonly id: number;
  readonly byteSize: number;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 when there was none. */
  readonly lastInferenceMs: number;
  /** Inferences; a batch of n counts n. */
  readonly inferenceCount: number;
  /** Executions; a batch counts once. */
  readonly executionCount: number;
  readonly inferenceStats: InferenceStatistics;
  readonly batchStats: readonly BatchStatistics[];
  /** By the number of the response, from "0". */
  readonly responseStats: Readonly<Record<string, ResponseStatistics>>;
  readonly memoryUsage: readonly MemoryUsage[];
}

/** A version of a model in the repository; one that was never loaded has '' for everything but its name. */
export interface RepositoryIndexEntry {
  readonly name: string;
  readonly version: string;
  /** `READY`, `UNAVAILABLE`, `LOADING`, `UNLOADING` or ''. */
  readonly state: string;
  /** Why it is in that state; '' when there is nothing to say. */
  readonly reason: string;
}

/** What is different from the repository for this load alone. */
export interface LoadOverrides {
  /** A whole configuration, in Triton's JSON: an object or its text. */
  readonly config?: string | Readonly<Record<string, unknown>>;
  /** Files of the model's folder by path, such as `1/model.onnx`; they need `config`, and then the folder itself is not read. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export interface UnloadOptions {
  /** Also unloads the models that only this one, an ensemble, needed. */
  readonly unloadDependents?: boolean;
}

export interface SystemSharedMemoryRegion {
  readonly name: string;
  /** POSIX name, such as `/input_data`. */
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
}

export interface CudaSharedMemoryRegion {
  readonly name: string;
  readonly deviceId: number;
  readonly byteSize: number;
}

/**
 * Trace settings as Triton names them. `trace_level` holds `OFF`, `TIMESTAMPS` or `TENSORS`; numbers are texts. Other members depend on
 * the trace mode.
 */
export interface TraceSettings {
  readonly trace_level?: readonly string[];
  readonly trace_rate?: string;
  readonly trace_count?: string;
  readonly log_frequency?: string;
  readonly trace_file?: string;
  readonly trace_mode?: string;
  readonly [setting: string]: string | readonly string[] | undefined;
}

/** Settings to change; null gives one back to the global or the start value. */
export interface TraceSettingsUpdate {
  readonly trace_level?: readonly string[] | null;
  readonly trace_rate?: string | number | null;
  readonly trace_count?: string | number | null;
  readonly log_frequency?: string | number | null;
}

/** Log settings as Triton names them. */
export interface LogSettings {
  readonly log_file?: string;
  readonly log_info?: boolean;
  readonly log_warning?: boolean;
  readonly log_error?: boolean;
  readonly log_verbose_level?: number;
  /** `default` or `ISO8601`. */
  readonly log_format?: string;
}
