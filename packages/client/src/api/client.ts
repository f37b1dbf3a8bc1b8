import type { CallOptions, InferOptions, InferRequest, ModelRef } from './request.ts';
import type { InferResult } from './result.ts';
import type {
  CudaSharedMemoryRegion,
  LoadOverrides,
  LogSettings,
  ModelConfig,
  ModelMetadata,
  ModelStatistics,
  RepositoryIndexEntry,
  ServerMetadata,
  SystemSharedMemoryRegion,
  TraceSettings,
  TraceSettingsUpdate,
  UnloadOptions,
} from './server-info.ts';

/** When a call that failed is sent again. See docs/client.md for what is sent again at all. */
export interface RetryPolicy {
  /** Times a call is sent at most, the first included; 1 switches retries off. Default 3. */
  readonly maxAttempts?: number;
  /** Longest wait before the second attempt; doubles for each further one. Default 100. */
  readonly initialBackoffMs?: number;
  /** Default 2000. */
  readonly maxBackoffMs?: number;
}

/** TLS in Node. Certificates and keys are PEM. */
export interface TlsOptions {
  /** Authorities that may have signed the server's certificate; those of the system when absent. */
  readonly ca?: string | Uint8Array;
  /** The client's certificate and key, where the server asks for one (mTLS). */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Unlocks the key. */
  readonly passphrase?: string;
  /** Name the server's certificate must have, when that is not the URL's host. */
  readonly servername?: string;
  /** False takes any certificate: for tests alone. */
  readonly rejectUnauthorized?: boolean;
}

/** Options that both clients have. */
export interface ClientOptions {
  /** Where the server is. HTTP: `http://localhost:8000`, a path in front of `/v2` included. gRPC: `localhost:8001`. */
  readonly url: string;
  /** Sent with each call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Authorization: Bearer …` with each call; a function is asked each time, for tokens that expire. */
  readonly bearerToken?: string | (() => string | Promise<string>);
  /** Deadline of calls that set none, in milliseconds. Default: none. */
  readonly deadlineMs?: number;
  readonly retry?: RetryPolicy;
  /** Largest response, unpacked, in bytes; a larger one fails with RESOURCE_EXHAUSTED before it fills memory. Default 2^31-1. */
  readonly maxResponseBytes?: number;
}

/**
 * A client of a server that speaks the KServe v2 protocol with Triton's extensions. One client serves any number of calls side by side and
 * reuses its connections.
 *
 * Every method rejects with InferenceServerError, and with nothing else.
 */
export interface InferenceClient {
  /** True when the server runs. Rejects only when no answer came. */
  isServerLive(options?: CallOptions): Promise<boolean>;
  /** True when the server takes inference requests. */
  isServerReady(options?: CallOptions): Promise<boolean>;
  /** True when the model takes inference requests; false also for one that the server does not know. */
  isModelReady(model: ModelRef, options?: CallOptions): Promise<boolean>;

  serverMetadata(options?: CallOptions): Promise<ServerMetadata>;
  modelMetadata(model: ModelRef, options?: CallOptions): Promise<ModelMetadata>;
  modelConfig(model: ModelRef, options?: CallOptions): Promise<ModelConfig>;
  /** Statistics of one model, or of all. */
  statistics(model?: ModelRef, options?: CallOptions): Promise<readonly ModelStatistics[]>;

  /** Runs a model once. */
  infer(model: ModelRef, request: InferRequest, options?: InferOptions): Promise<InferResult>;

  /** Models in the repositories; with `ready: true` those that are ready. */
  repositoryIndex(
    filter?: { readonly ready?: boolean },
    options?: CallOptions,
  ): Promise<readonly RepositoryIndexEntry[]>;
  /** Loads a model, or loads it again, and resolves when it is ready. The server must run with explicit model control. */
  loadModel(name: string, overrides?: LoadOverrides, options?: CallOptions): Promise<void>;
  /** Takes a model out of service; resolves before requests in flight are done. */
  unloadModel(name: string, unload?: UnloadOptions, options?: CallOptions): Promise<void>;

  /** Registered regions: all, or the one called `name`. */
  systemSharedMemoryStatus(name?: string, options?: CallOptions): Promise<readonly SystemSharedMemoryRegion[]>;
  /** Makes a POSIX shared-memory object of the server's machine usable for tensors. `offset` is 0 when absent. */
  registerSystemSharedMemory(
    region: Omit<SystemSharedMemoryRegion, 'offset'> & { readonly offset?: number },
    options?: CallOptions,
  ): Promise<void>;
  /** Gives up one region, or all of them. */
  unregisterSystemSharedMemory(name?: string, options?: CallOptions): Promise<void>;
  cudaSharedMemoryStatus(name?: string, options?: CallOptions): Promise<readonly CudaSharedMemoryRegion[]>;
  /** `rawHandle`: bytes of a cudaIpcMemHandle_t. */
  registerCudaSharedMemory(
    region: CudaSharedMemoryRegion & { readonly rawHandle: Uint8Array },
    options?: CallOptions,
  ): Promise<void>;
  unregisterCudaSharedMemory(name?: string, options?: CallOptions): Promise<void>;

  /** Trace settings of a model, or the global ones. */
  traceSettings(model?: string, options?: CallOptions): Promise<TraceSettings>;
  /** Changes trace settings and resolves to all of them. */
  updateTraceSettings(update: TraceSettingsUpdate, model?: string, options?: CallOptions): Promise<TraceSettings>;
  logSettings(options?: CallOptions): Promise<LogSettings>;
  /** Changes log settings and resolves to all of them. */
  updateLogSettings(update: LogSettings, options?: CallOptions): Promise<LogSettings>;

  /** Closes the connections; calls in flight fail. */
  close(): void;
}
