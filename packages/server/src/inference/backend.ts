import type { ModelConfig } from '@nereid/protocol/model-config';
import type { ModelInstance } from './scheduling.ts';
import type { ModelSignature } from './signature.ts';

/** What a backend is told about the model it loads. Paths are absolute and already checked to stay inside the repository. */
export interface ModelLoadContext {
  readonly modelName: string;
  readonly version: number;
  /** `<repository>/<model>` */
  readonly modelDirectory: string;
  /** `<repository>/<model>/<version>` */
  readonly versionDirectory: string;
  /** Normalised configuration (auto-completed too, in `load`). */
  readonly config: ModelConfig;
  /** `--backend-config=<backend>,key=value` and the global ones, the specific winning. */
  readonly backendConfig: ReadonlyMap<string, string>;
  /** Where a backend may keep what it derives from a model file, keyed by content; undefined: keep nothing. */
  readonly cacheDirectory: string | undefined;
  readonly log: Logger;
}

/**
 * The part of a logger that models and backends use. Messages are Triton's where Triton logs one; `source` is then the file its line
 * names (`model_lifecycle.cc`).
 */
export interface Logger {
  error(message: string, source?: string): void;
  warning(message: string, source?: string): void;
  info(message: string, source?: string): void;
  verbose(level: number, message: string, source?: string): void;
}

/**
 * Loads models of one format. Registered by name in the composition root (`backends/index.ts`).
 */
export interface Backend {
  /** As in `backend: "…"`. */
  readonly name: string;
  /** Instances of a KIND_CPU group whose `count` is not given. Triton: 2 for onnxruntime and tensorflow, else 1. */
  readonly defaultInstanceCount: number;
  /** Completes a configuration from the model file. Returns a new message; throws StatusError with Triton's text. */
  autoComplete?(context: ModelLoadContext): Promise<ModelConfig>;
  /** Loads one version. Throws StatusError; nothing is left allocated then. */
  load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel>;
}

/** One loaded version of a model. */
export interface BackendModel {
  /** Makes an instance; instances share the model's weights. */
  createInstance(name: string): Promise<ModelInstance>;
  /** Frees everything. Called once, when no instance is executing. */
  unload(): Promise<void>;
}
