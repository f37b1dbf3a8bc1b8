import { StatusError } from '@nereid/protocol';
import {
  type Clock,
  type IndexEntry,
  type InferenceRequest,
  type InferenceServer,
  type LoadOverrides,
  type ModelHandle,
  type ModelStatistics,
  type ResponseHandler,
  WorkQueue,
} from '../inference/index.ts';
import { MetricsPage } from '../observability/index.ts';
import { RateLimiter } from '../schedulers/index.ts';
import { systemClock } from './clock.ts';
import { ModelLoader } from './model-loader.ts';
import type { ModelVersion } from './model-version.ts';
import type { CoreOptions, VersionStore } from './options.ts';
import { ResponseCache } from './response-cache.ts';

type Phase = 'starting' | 'running' | 'stopping' | 'stopped';

/** How long shutdown sleeps between two looks at requests in flight, as Triton does. */
const STOP_POLL_MS = 1000;

/**
 * The model server without a network: models, and the life of one request from its front end to its answer. Several may live in one process.
 */
export class Core implements InferenceServer {
  readonly id: string;
  readonly version: string;
  readonly extensions: readonly string[];
  readonly #options: CoreOptions;
  readonly #clock: Clock;
  readonly #loader: ModelLoader;
  readonly #store: VersionStore<ModelVersion>;
  readonly #cache: ResponseCache | undefined;
  readonly #metrics: MetricsPage;
  #phase: Phase = 'starting';

  constructor(options: CoreOptions) {
    this.id = options.id;
    this.version = options.version;
    this.extensions = options.extensions;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#metrics = new MetricsPage(options.metrics);
    const { responseCacheBytes } = options;
    this.#cache = responseCacheBytes === undefined ? undefined : new ResponseCache(responseCacheBytes);
    this.#loader = new ModelLoader({
      backends: options.backends,
      clock: this.#clock,
      log: options.log,
      workQueue: new WorkQueue(this.#clock),
      resolve: (namespace, name, version) => this.#store.resolveStep(namespace, name, version),
      environment: options.environment ?? process.env,
      cache: this.#cache,
      rateLimiter: options.rateLimit && new RateLimiter(options.rateLimit.resources),
    });
    this.#store = options.createStore(this.#loader);
  }

  /** Loads what is to be loaded at start. A model that fails is reported by its state. */
  async start(): Promise<void> {
    await this.#store.start();
    this.#phase = 'running';
  }

  /**
   * Takes no more requests, waits for those in flight, unloads every model.
   * @returns requests that were not answered when `exitTimeoutMs` had passed
   */
  async stop(exitTimeoutMs: number): Promise<number> {
    if (this.#phase === 'stopped') return 0;
    this.#phase = 'stopping';
    this.#options.log.info('Waiting for in-flight requests to complete.', 'server.cc');
    const stopped = this.#store.stop();
    const settled = await settlesWithin(stopped, this.#clock, exitTimeoutMs, (secondsLeft) => {
      const text = `Timeout ${secondsLeft}: Found ${this.#loader.liveVersions.size} live models and ${this.inflightCount()} in-flight non-inference requests`;
      this.#options.log.info(text, 'server.cc');
    });
    this.#phase = 'stopped';
    return settled ? 0 : this.inflightCount();
  }

  isLive(): boolean {
    return this.#phase !== 'stopped';
  }

  isReady(): boolean {
    if (this.#phase !== 'running') return false;
    if (this.#options.strictReadiness === false) return true;
    return this.#store
      .index(false)
      .every(({ state, reason }) => state === undefined || state === 'READY' || reason === 'unloaded');
  }

  getModel(name: string, version: number): ModelHandle {
    return this.#store.resolve(name, version).handle;
  }

  isModelReady(name: string, version: number): boolean {
    return this.#phase === 'running' && this.#store.state(name, version) === 'READY';
  }

  readyVersions(name: string): readonly number[] {
    return this.#store.readyVersions(name);
  }

  infer(request: InferenceRequest, respond: ResponseHandler): void {
    if (this.#phase !== 'running') throw new StatusError('UNAVAILABLE', 'Server not ready');
    this.#store.resolve(request.modelName, request.modelVersion).infer(request, respond);
  }

  repositoryIndex(readyOnly: boolean): readonly IndexEntry[] {
    return this.#store.index(readyOnly);
  }

  loadModel(name: string, overrides?: LoadOverrides): Promise<void> {
    return this.#store.load(name, overrides);
  }

  unloadModel(name: string, options: { unloadDependents: boolean }): Promise<void> {
    return this.#store.unload(name, options);
  }

  registerRepository(path: string, modelMapping: ReadonlyMap<string, string>): void {
    this.#store.register(path, modelMapping);
  }

  unregisterRepository(path: string): void {
    this.#store.unregister(path);
  }

  statistics(name: string, version: number): readonly ModelStatistics[] {
    const ofName = [...this.#store.loadedVersions()].filter((loaded) => name === '' || loaded.name === name);
    if (name !== '' && ofName.length === 0) {
      throw new StatusError('INVALID_ARG', `requested model '${name}' is not available`);
    }
    const wanted = ofName.filter((loaded) => version === -1 || loaded.version === version);
    if (name !== '' && wanted.length === 0) {
      throw new StatusError('INVALID_ARG', `requested model version is not available for model '${name}'`);
    }
    return wanted.sort(byNameAndVersion).map((loaded) => loaded.statistics.snapshot());
  }

  /** The page at `/metrics`, in Prometheus' text format. */
  metricsPage(): string {
    const namespacing = this.#options.metrics?.namespacing ?? false;
    const models = [...this.#store.loadedVersions()]
      .sort(byNameAndVersion)
      .map((loaded) => loaded.metrics(namespacing));
    const cache = this.#cache && { maxBytes: this.#cache.maxBytes, ...this.#cache.counters };
    return this.#metrics.render(models, cache);
  }

  /** Requests that were not answered for good yet, those inside ensembles included. */
  inflightCount(): number {
    let count = 0;
    for (const loaded of this.#loader.liveVersions) count += loaded.inflightCount;
    return count;
  }
}

function byNameAndVersion(a: ModelVersion, b: ModelVersion): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.version - b.version;
}

/** Whether `promise` settles in time; calls `report` once a second meanwhile. A rejection counts as settled and is passed on. */
function settlesWithin(
  promise: Promise<void>,
  clock: Clock,
  timeoutMs: number,
  report: (secondsLeft: number) => void,
): Promise<boolean> {
  const { promise: result, resolve, reject } = Promise.withResolvers<boolean>();
  const deadlineNs = clock.nowNs() + timeoutMs * 1e6;
  let cancel = () => {};
  const tick = () => {
    const leftMs = (deadlineNs - clock.nowNs()) / 1e6;
    if (leftMs <= 0) return resolve(false);
    report(Math.ceil(leftMs / 1000));
    cancel = clock.schedule(Math.min(leftMs, STOP_POLL_MS), tick);
  };
  tick();
  promise.then(
    () => resolve(true),
    (error: unknown) => reject(StatusError.from(error)),
  );
  return result.finally(() => cancel());
}
