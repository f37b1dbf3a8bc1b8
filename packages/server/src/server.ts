import { setTimeout as delay } from 'node:timers/promises';
import { StatusError } from '@nereid/protocol';
import { DaliBackend } from './backends/dali/index.ts';
import { IdentityBackend } from './backends/identity/index.ts';
import { IterativeSequenceBackend } from './backends/iterative-sequence/index.ts';
import { OnnxRuntimeBackend, SharedRuntime } from './backends/onnxruntime/index.ts';
import { RepeatBackend } from './backends/repeat/index.ts';
import { TensorflowBackend } from './backends/tensorflow/index.ts';
import { Core, type ModelVersion } from './core/index.ts';
import {
  createGrpcFrontend,
  createHttpFrontend,
  createMetricsFrontend,
  createSagemakerFrontend,
  type Frontend,
  type GrpcFrontendOptions,
  type HttpFrontendOptions,
  type MetricsFrontendOptions,
  type SagemakerFrontendOptions,
  TokenGate,
  type TokenGateOptions,
} from './frontends/index.ts';
import type { Backend, InferenceServer } from './inference/index.ts';
import { type MetricsPageOptions, type ServerLogger, Tracer, type TraceSettings } from './observability/index.ts';
import {
  type InspectionOptions,
  inspectRepository,
  ModelRepositoryManager,
  type RepositoryInspection,
  type RepositoryOptions,
  type VersionLoader,
  type VersionStatus,
} from './repository/index.ts';
import type { RateLimitResource } from './schedulers/index.ts';
import { SharedMemoryRegions, type SharedMemoryRegionsOptions } from './shared-memory/index.ts';

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

/** How long connections may take to go once every request is answered. */
const CLOSE_GRACE_MS = 1_000;
/** How long requests on connections that were open when the stop began are taken. Front ends close idle connections within it. */
const DRAIN_MS = 600;

type FromServer = 'log' | 'logControl' | 'sharedMemory' | 'gate' | 'tracer' | 'traceControl';

export interface ServerOptions {
  /** `--id` */
  readonly id: string;
  /** Reported in server metadata. */
  readonly version: string;
  readonly repository: RepositoryOptions;
  readonly strictReadiness: boolean;
  /** Undefined: no response cache. */
  readonly responseCacheBytes?: number | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: ServerLogger;
  /** `--trace-config`; no request is traced at first when not given. */
  readonly tracing?: Partial<TraceSettings> | undefined;
  /** Not given: everybody gets in. */
  readonly auth?: Pick<TokenGateOptions, 'tokenFile' | 'publicApis'> | undefined;
  /** Not given: clients share no memory. */
  readonly sharedMemory?: SharedMemoryRegionsOptions | undefined;
  /** Not given: no HTTP front end. */
  readonly http?: Omit<HttpFrontendOptions, FromServer>;
  /** `--rate-limit-resource`; undefined: no rate limit. */
  readonly rateLimit?: { readonly resources: readonly RateLimitResource[] } | undefined;
  /** Not given: no gRPC front end. */
  readonly grpc?: Omit<GrpcFrontendOptions, FromServer>;
  /** Not given: no metrics port. */
  readonly metrics?: Omit<MetricsFrontendOptions, 'page' | FromServer> & MetricsPageOptions;
  /** Not given: no SageMaker front end. */
  readonly sagemaker?: Omit<SagemakerFrontendOptions, FromServer>;
}

/** A front end and how the log names it. */
interface Service {
  readonly name: string;
  readonly started: string;
  readonly source: string;
  readonly at: { readonly host: string; readonly port: number };
  readonly frontend: Frontend;
}

/** A model server with its front ends. It loads first and listens then, as tritonserver does. */
export class ModelServer {
  readonly #options: ServerOptions;
  readonly #runtime = new SharedRuntime();
  readonly #core: Core;
  readonly #store: ModelRepositoryManager<ModelVersion>;
  readonly #gate: TokenGate | undefined;
  readonly #tracer: Tracer;
  readonly #sharedMemory: SharedMemoryRegions;
  readonly #services: readonly Service[];

  /** Throws SyntaxError for a header pattern that is no regular expression, StatusError for a token file or TLS files that cannot be used. */
  constructor(options: ServerOptions) {
    this.#options = options;
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
      responseCacheBytes: options.responseCacheBytes,
      rateLimit: options.rateLimit,
      metrics: { ...options.metrics, namespacing: options.repository.namespacing ?? false },
      environment: options.environment,
    });
    this.#store = store!;
    this.#sharedMemory = new SharedMemoryRegions(options.sharedMemory ?? { allowed: false });
    this.#gate = options.auth && new TokenGate({ ...options.auth, log: options.log });
    this.#tracer = new Tracer({ settings: options.tracing, log: options.log });
    this.#services = createServices(this.#core, options, {
      sharedMemory: this.#sharedMemory,
      gate: this.#gate,
      tracer: this.#tracer,
      traceControl: this.#tracer.control,
    });
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

  /** Starts the front ends; the log says where each listens. Throws StatusError UNAVAILABLE naming the service that cannot. */
  async listen(): Promise<void> {
    await this.#tracer.start();
    for (const service of this.#services) {
      try {
        const { host, port } = await service.frontend.listen();
        this.#options.log.info(`Started ${service.started} at ${printHost(host)}:${port}`, service.source);
      } catch (error) {
        throw new StatusError('UNAVAILABLE', `failed to start ${service.name} service: ${reason(error, service)}`, {
          cause: error,
        });
      }
    }
  }

  /**
   * Takes no more connections, serves what still comes on open ones for a moment, waits for the requests in flight, unloads the models.
   * @returns requests that were not answered when `exitTimeoutMs` had passed
   */
  async stop(exitTimeoutMs: number): Promise<number> {
    const closed = Promise.all(this.#services.map(({ frontend }) => frontend.close()));
    await Promise.race([closed, delay(DRAIN_MS, undefined, { ref: false })]);
    const unanswered = await this.#core.stop(exitTimeoutMs);
    // Every answer is written by now; a client that keeps its connection open does not hold the server.
    const grace = setTimeout(() => this.#services.map(({ frontend }) => frontend.destroy()), CLOSE_GRACE_MS);
    await closed;
    this.#gate?.close();
    await this.#tracer.close();
    clearTimeout(grace);
    if (unanswered === 0) {
      await this.#runtime.close();
      this.#sharedMemory.close();
    }
    return unanswered;
  }
}

/**
 * Checks model repositories without serving them: every problem at once. With `load` the models are loaded too, to find what only their
 * backends can tell.
 */
export async function checkRepositories(
  paths: readonly string[],
  options: Omit<InspectionOptions, 'loader'> & { readonly load: boolean },
): Promise<RepositoryInspection> {
  if (!options.load) return inspectRepository(paths, options);
  const runtime = new SharedRuntime();
  const repository = { paths: [], controlMode: 'none', startupModels: [], autoComplete: true } as const;
  let loader: VersionLoader<ModelVersion> | undefined;
  new Core({
    id: '',
    version: '',
    extensions: [],
    backends: createBackends(runtime),
    createStore: (coreLoader) => {
      loader = coreLoader;
      return new ModelRepositoryManager(repository, coreLoader, options.log);
    },
    log: options.log,
  });
  try {
    return await inspectRepository(paths, { ...options, loader: loader! });
  } finally {
    await runtime.close();
  }
}

function createBackends(runtime: SharedRuntime): ReadonlyMap<string, Backend> {
  const backends: readonly Backend[] = [
    new OnnxRuntimeBackend(runtime),
    new TensorflowBackend(runtime),
    new DaliBackend(),
    new IdentityBackend(),
    new RepeatBackend(),
    new IterativeSequenceBackend(),
  ];
  return new Map(backends.map((backend) => [backend.name, backend]));
}

/** In the order in which Triton starts them. */
function createServices(
  core: Core,
  { grpc, http, sagemaker, metrics, log }: ServerOptions,
  shared: Pick<HttpFrontendOptions, 'sharedMemory' | 'gate' | 'tracer' | 'traceControl'>,
): Service[] {
  const services: Service[] = [];
  if (grpc !== undefined) {
    const frontend = createGrpcFrontend(core, { ...grpc, ...shared, logControl: log });
    services.push({ name: 'GRPC', started: 'GRPCInferenceService', source: 'grpc_server.cc', at: grpc, frontend });
  }
  if (http !== undefined) {
    const frontend = createHttpFrontend(core, { ...http, ...shared, log, logControl: log });
    services.push({ name: 'HTTP', started: 'HTTPService', source: 'http_server.cc', at: http, frontend });
  }
  if (sagemaker !== undefined) {
    const frontend = createSagemakerFrontend(core, { ...sagemaker, ...shared, log });
    services.push({
      name: 'Sagemaker',
      started: 'Sagemaker HTTPService',
      source: 'http_server.cc',
      at: sagemaker,
      frontend,
    });
  }
  if (metrics !== undefined) {
    const frontend = createMetricsFrontend({ ...metrics, gate: shared.gate, page: () => core.metricsPage() });
    services.push({ name: 'Metrics', started: 'Metrics Service', source: 'http_server.cc', at: metrics, frontend });
  }
  return services;
}

function printHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function reason(error: unknown, { at: { host, port } }: Service): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `Unavailable - Socket '${host}:${port}' already in use `;
  return error instanceof Error ? error.message : String(error);
}
