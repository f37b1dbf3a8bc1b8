import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest, ResponseHandler } from './request.ts';
import type { ModelSignature } from './signature.ts';
import type { ModelStatistics } from './statistics.ts';

/** A model version that is ready, as front ends see it. */
export interface ModelHandle {
  readonly name: string;
  readonly version: number;
  readonly config: ModelConfig;
  readonly signature: ModelSignature;
  /** Class labels of an output (line N = class N); undefined when it has none. */
  labels(outputName: string): readonly string[] | undefined;
}

export type ModelState = 'UNKNOWN' | 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING';

/** One line of the repository index; `version` and below are absent for a directory that was never loaded. */
export interface IndexEntry {
  readonly name: string;
  readonly version?: number;
  readonly state?: ModelState;
  readonly reason?: string;
}

/** What a load request may override. */
export interface LoadOverrides {
  /** The `config` parameter: ModelConfig as JSON text. */
  readonly config?: string;
  /** `file:` parameters: path relative to the model directory -> contents. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/**
 * The server as every front end (HTTP, gRPC, SageMaker) sees it. Failures are StatusErrors with Triton's texts; a front end maps the code and
 * passes the text on.
 */
export interface InferenceServer {
  /** `--id` */
  readonly id: string;
  readonly version: string;
  readonly extensions: readonly string[];

  isLive(): boolean;
  isReady(): boolean;

  /** Resolves a version (-1: highest ready one). Throws NOT_FOUND (INVALID_ARG under namespacing) or UNAVAILABLE. */
  getModel(name: string, version: number): ModelHandle;
  /** False when the version, or for -1 every one, exists but is not ready. Throws like `getModel` for what does not exist. */
  isModelReady(name: string, version: number): boolean;
  /** Versions that are ready, ascending. */
  readyVersions(name: string): readonly number[];

  /**
   * Runs a request. Throws (StatusError) when it is refused before it is queued; afterwards every outcome, failure included, comes
   * through `respond`, which may be called before `infer` returns.
   */
  infer(request: InferenceRequest, respond: ResponseHandler): void;

  repositoryIndex(readyOnly: boolean): readonly IndexEntry[];
  loadModel(name: string, overrides?: LoadOverrides): Promise<void>;
  unloadModel(name: string, options: { unloadDependents: boolean }): Promise<void>;

  /** SageMaker multi-model: adds a repository at run time. `modelMapping`: directory name -> model name. */
  registerRepository(path: string, modelMapping: ReadonlyMap<string, string>): void;
  unregisterRepository(path: string): void;

  /** '' and -1 mean all. */
  statistics(name: string, version: number): readonly ModelStatistics[];
}
