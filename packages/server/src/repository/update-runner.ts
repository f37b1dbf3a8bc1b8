import { StatusError, statusCodeName } from '@nereid/protocol';
import { type ComposingModel, ensembleSteps, type ModelConfig, validateEnsemble } from '../config/index.ts';
import type { Logger } from '../inference/index.ts';
import { circularDependencies, inLoadOrder } from './dependency-graph.ts';
import type { ModelLifecycle } from './lifecycle.ts';
import { printModelId } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import type { ModelSet, ModelUpdate } from './model-update.ts';
import type { LoadedVersion } from './version-loader.ts';

const SOURCE = 'model_repository_manager.cc';

/** What is remembered of a model beside its versions. */
export interface ModelStanding {
  /** Why it cannot be loaded at all: a model it needs is not there or not right. */
  readonly refusal?: StatusError;
  /** Why its last load failed. */
  readonly failure?: StatusError;
}

/**
 * Loads the pending models of an update: each as soon as the models it needs are done, as many at a time as the lifecycle allows.
 * One model's failure is its own and that of the ensembles that need it.
 */
export class UpdateRunner<Version extends LoadedVersion> {
  readonly #lifecycle: ModelLifecycle<Version>;
  readonly #log: Logger;
  readonly #standings: Map<string, ModelStanding>;

  /** @param standings by `modelKey`; kept from one update to the next */
  constructor(lifecycle: ModelLifecycle<Version>, standings: Map<string, ModelStanding>, log: Logger) {
    this.#lifecycle = lifecycle;
    this.#standings = standings;
    this.#log = log;
  }

  /** Settles when every pending model is loaded or refused. @returns the standing of each that is not loaded, by `modelKey` */
  async run(update: ModelUpdate, previous: ModelSet): Promise<ReadonlyMap<string, ModelStanding>> {
    const failed = new Map<string, ModelStanding>();
    const circular = circularDependencies(update.sources, update.graph);
    const tasks = new Map<string, Promise<void>>();
    const runOne = async (key: string) => {
      const source = update.sources.get(key) as ModelSource;
      const circularity = circular.get(key);
      if (circularity === undefined) {
        const upstreams = update.graph.get(key)?.upstreams.keys() ?? [];
        await Promise.all([...upstreams].map((upstream) => tasks.get(upstream)));
      }
      const standing = await this.#runOne(key, source, update, previous, circularity);
      this.#standings.set(key, standing);
      if (standing.refusal ?? standing.failure) failed.set(key, standing);
    };
    for (const key of inLoadOrder(update.pending, update.graph)) tasks.set(key, runOne(key));
    await Promise.all(tasks.values());
    return failed;
  }

  async #runOne(
    key: string,
    source: ModelSource,
    update: ModelUpdate,
    previous: ModelSet,
    circularity: StatusError | undefined,
  ): Promise<ModelStanding> {
    const refusal = this.#missing(key, source, update) ?? circularity ?? this.#checkEnsemble(key, source, update);
    if (refusal) {
      this.#log.error(`${statusCodeName(refusal.code)}: ${refusal.message}`, SOURCE);
      void this.#lifecycle.unload(source.id);
      return { refusal };
    }
    try {
      await this.#lifecycle.load(source, previous.sources.get(key));
      return {};
    } catch (error) {
      return { failure: StatusError.from(error) };
    }
  }

  #missing(key: string, source: ModelSource, { graph }: ModelUpdate): StatusError | undefined {
    const missing = graph.get(key)?.missing;
    if (missing === undefined) return undefined;
    const subject = `ensemble ${printModelId(source.id)} contains models that are not available or ambiguous`;
    return new StatusError('INVALID_ARG', `${subject}: ${missing}`);
  }

  #checkEnsemble(key: string, source: ModelSource, update: ModelUpdate): StatusError | undefined {
    if (source.config.schedulingChoice.case !== 'ensembleScheduling') return undefined;
    const subject = `ensemble '${printModelId(source.id)}' depends on`;
    for (const [upstream, versions] of update.graph.get(key)?.upstreams ?? []) {
      const reason = this.#unusable(upstream, versions, update);
      if (reason !== undefined) return new StatusError('INVALID_ARG', `${subject} ${reason}`);
    }
    try {
      setNamespaces(source.config, key, update);
      const models = (update.graph.get(key)?.steps ?? []).map((step) => this.#composingModel(step as string, update));
      validateEnsemble({ id: printModelId(source.id), config: source.config, models });
      return undefined;
    } catch (error) {
      return StatusError.from(error);
    }
  }

  /** Why an ensemble cannot use a model; undefined when it can. */
  #unusable(key: string, versions: ReadonlySet<bigint>, { sources }: ModelUpdate): string | undefined {
    const name = `'${printModelId((sources.get(key) as ModelSource).id)}'`;
    const standing = this.#standings.get(key);
    if (standing?.refusal) {
      return `${name} which is not valid. Model ${name} failed with error: ${standing.refusal.message}`;
    }
    const ready = [...(this.#lifecycle.get(key)?.records.values() ?? [])].filter((record) => record.state === 'READY');
    if (ready.length === 0) {
      const reason = standing?.failure;
      const more = reason ? ` Model ${name} loading failed with error: ${reason.message}` : '';
      return `${name} which has no loaded version.${more}`;
    }
    for (const version of versions) {
      if (version === -1n || ready.some((record) => BigInt(record.version) === version)) continue;
      return `${name} whose required version ${version} is not loaded.`;
    }
    return undefined;
  }

  #composingModel(key: string, { sources }: ModelUpdate): ComposingModel {
    const { id } = sources.get(key) as ModelSource;
    return { id: printModelId(id), config: this.#lifecycle.resolve(key, -1).handle.config };
  }
}

/** Notes in an ensemble where each step's model comes from. */
function setNamespaces(config: ModelConfig, key: string, { graph, sources }: ModelUpdate): void {
  for (const [index, step] of ensembleSteps(config).entries()) {
    step.modelNamespace = sources.get(graph.get(key)?.steps[index] ?? '')?.id.namespace ?? '';
  }
}
