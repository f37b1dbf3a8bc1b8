import type { StatusError } from '@nereid/protocol';
import { IdentityBackend } from './backends/identity/index.ts';
import { OnnxRuntimeBackend, SharedRuntime } from './backends/onnxruntime/index.ts';
import type { ModelVersion } from './core/index.ts';
import { Core } from './core/index.ts';
import type { Backend, InferenceServer, Logger } from './inference/index.ts';
import { ModelRepositoryManager, type RepositoryOptions, type VersionStatus } from './repository/index.ts';

/** Protocol extensions in the order in which Triton's metadata lists them. */
const EXTENSIONS = [
  'classification',
  'sequence',
  'model_repository',
  'model_repository(unload_dependents)',
  'schedule_policy',
  'model_configuration',
  'system_shared_memory',
  'cuda_shared_memory',
  'binary_tensor_data',
  'parameters',
  'statistics',
  'trace',
  'logging',
] as const;

/** Where a front end listens. */
export interface EndpointOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface ServerOptions {
  /** `--id` */
  readonly id: string;
  /** Reported in server metadata. */
  readonly version: string;
  readonly repository: RepositoryOptions;
  readonly strictReadiness: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** A model server with its front ends. It is loaded first and listens then, as tritonserver does. */
export class ModelServer {
  readonly #core: Core;
  readonly #store: ModelRepositoryManager<ModelVersion>;
  readonly #runtime: SharedRuntime;

  constructor(options: ServerOptions) {
    this.#runtime = new SharedRuntime();
    let store: ModelRepositoryManager<ModelVersion> | undefined;
    this.#core = new Core({
      id: options.id,
      version: options.version,
      extensions: EXTENSIONS,
      backends: createBackends(this.#runtime),
      createStore: (loader) => {
        store = new ModelRepositoryManager(options.repository, loader, options.log);
        return store;
      },
      log: options.log,
      strictReadiness: options.strictReadiness,
      environment: options.environment,
    });
    this.#store = store!;
  }

  /** For requests that do not come over a network. */
  get inference(): InferenceServer {
    return this.#core;
  }

  /** Every model version that was tried, with what became of it. */
  modelStatuses(): readonly VersionStatus[] {
    return this.#store.statuses();
  }

  /** Set after `load` when a model that should be loaded is not. */
  get loadFailure(): StatusError | undefined {
    return this.#store.startupFailure;
  }

  /** Loads the models. Throws StatusError when a repository cannot be read; a bad model is reported by `loadFailure`. */
  load(): Promise<void> {
    return this.#core.start();
  }

  /** @returns requests that were not answered in time */
  async stop(exitTimeoutMs: number): Promise<number> {
    const unanswered = await this.#core.stop(exitTimeoutMs);
    if (unanswered === 0) await this.#runtime.close();
    return unanswered;
  }
}

function createBackends(runtime: SharedRuntime): ReadonlyMap<string, Backend> {
  const backends: readonly Backend[] = [new OnnxRuntimeBackend(runtime), new IdentityBackend()];
  return new Map(backends.map((backend) => [backend.name, backend]));
}
