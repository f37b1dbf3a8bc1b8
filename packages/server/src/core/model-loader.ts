import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { completeModelConfig, modelSignature } from '../config/index.ts';
import { admissionPolicy, compileStepGraph, EnsembleScheduler, type StepResolver } from '../ensemble/index.ts';
import type {
  Backend,
  BackendModel,
  Clock,
  Logger,
  ModelInstance,
  ModelLoadContext,
  Scheduler,
  WorkQueue,
} from '../inference/index.ts';
import { StatisticsRecorder } from '../observability/index.ts';
import type { ModelLabels, VersionLoader } from '../repository/index.ts';
import type { RateLimiter, Turn } from '../schedulers/index.ts';
import { createInstances } from './instances.ts';
import { ModelVersion } from './model-version.ts';
import type { ResponseCache } from './response-cache.ts';
import { createScheduler } from './scheduler-factory.ts';
import { warmUp } from './warm-up.ts';

export interface ModelLoaderOptions {
  readonly backends: ReadonlyMap<string, Backend>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workQueue: WorkQueue;
  /** Finds the models that ensembles use. */
  readonly resolve: StepResolver;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cache: ResponseCache | undefined;
  readonly rateLimiter: RateLimiter | undefined;
}

/** Turns a model directory and its configuration into a version that answers requests. */
export class ModelLoader implements VersionLoader<ModelVersion> {
  readonly #options: ModelLoaderOptions;
  readonly #live = new Set<ModelVersion>();

  constructor(options: ModelLoaderOptions) {
    this.#options = options;
  }

  /** Versions that were loaded and are not freed yet, those that are being unloaded included. */
  get liveVersions(): ReadonlySet<ModelVersion> {
    return this.#live;
  }

  async completeConfig(context: ModelLoadContext, options: { autoComplete: boolean }): Promise<ModelConfig> {
    const backend = this.#backend(context.config);
    const { defaultInstanceCount } = backend;
    if (!options.autoComplete || backend.autoComplete === undefined) {
      return completeModelConfig(context.config, { defaultInstanceCount });
    }
    const autoComplete = (config: ModelConfig) => backend.autoComplete!({ ...context, config });
    return completeModelConfig(context.config, { defaultInstanceCount, autoComplete });
  }

  load(context: ModelLoadContext, labels: ModelLabels): Promise<ModelVersion> {
    return context.config.schedulingChoice.case === 'ensembleScheduling'
      ? this.#loadEnsemble(context, labels)
      : this.#loadModel(context, labels);
  }

  async #loadEnsemble(context: ModelLoadContext, labels: ModelLabels): Promise<ModelVersion> {
    const { clock, resolve, workQueue } = this.#options;
    const version = this.#version(context, labels, true);
    const graph = compileStepGraph(context.config, version.signature);
    const scheduler = new EnsembleScheduler({
      graph,
      signature: version.signature,
      admission: admissionPolicy(context.config),
      resolve,
      workQueue,
      clock,
    });
    version.attach(scheduler, async () => this.#live.delete(version), scheduler.steps);
    this.#live.add(version);
    return version;
  }

  async #loadModel(context: ModelLoadContext, labels: ModelLabels): Promise<ModelVersion> {
    const version = this.#version(context, labels, false);
    const model = await this.#backend(version.config).load(context, version.signature);
    const turns = new Map<ModelInstance, Turn>();
    const free = async () => {
      this.#options.rateLimiter?.unregister([...turns.values()]);
      await model.unload();
      this.#live.delete(version);
    };
    try {
      version.attach(await this.#startScheduling(version, model, turns, context), free);
      this.#live.add(version);
      return version;
    } catch (error) {
      await freeAfterFailure(free, context.log);
      throw error;
    }
  }

  async #startScheduling(
    version: ModelVersion,
    model: BackendModel,
    turns: Map<ModelInstance, Turn>,
    context: ModelLoadContext,
  ): Promise<Scheduler> {
    const { clock, log, environment, rateLimiter } = this.#options;
    const { config, signature, statistics } = version;
    const created = await createInstances(model, config);
    const instances = created.map(({ instance }) => instance);
    if (instances.length === 0) {
      throw new StatusError('INVALID_ARG', `model '${version.name}' has no instance that takes requests`);
    }
    const registered = rateLimiter?.register(created.map(({ limits }) => limits));
    for (const [index, turn] of registered?.entries() ?? []) turns.set(instances[index]!, turn);
    await warmUp(version, instances, context);
    const executors = { instances, clock, statistics, turns: rateLimiter && turns };
    const { modelDirectory } = context;
    return createScheduler({ config, signature, executors, modelDirectory, log, environment });
  }

  #version(context: ModelLoadContext, labels: ModelLabels, isEnsemble: boolean): ModelVersion {
    const { clock, log } = this.#options;
    const { config, modelName: name, modelDirectory, version } = context;
    const statistics = new StatisticsRecorder(name, version);
    const signature = modelSignature(config);
    const cache = config.responseCache?.enable === true ? this.#options.cache : undefined;
    return new ModelVersion({
      name,
      version,
      modelDirectory,
      config,
      signature,
      labels,
      isEnsemble,
      clock,
      log,
      statistics,
      cache,
    });
  }

  #backend(config: ModelConfig): Backend {
    const backend = this.#options.backends.get(config.backend);
    if (backend !== undefined) return backend;
    throw new StatusError(
      'INVALID_ARG',
      `unable to find backend library for backend '${config.backend}', try specifying runtime on the model configuration.`,
    );
  }
}

/** The failure that led here is the one to report. */
async function freeAfterFailure(free: () => Promise<void>, log: Logger): Promise<void> {
  try {
    await free();
  } catch (error) {
    log.error(`failed to free a model after a failed load: ${StatusError.from(error).message}`);
  }
}
