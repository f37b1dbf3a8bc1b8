import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import {
  normalizeModelConfig,
  parseModelConfigText,
  validateEnsemble,
  validateModelConfig,
} from '../../config/index.ts';
import type { IndexEntry, Logger, ModelLoadContext, ModelState } from '../../inference/index.ts';
import type { VersionLoader } from '../../repository/index.ts';
import type { ModelVersion } from '../model-version.ts';
import type { VersionStore } from '../options.ts';

/** One model of a MemoryStore: its `config.pbtxt` and its versions (default: 1). */
export interface MemoryModel {
  readonly config: string;
  readonly versions?: readonly number[];
  readonly labels?: ReadonlyMap<string, readonly string[]>;
}

/** A repository without files, for tests: models are loaded in the order given, ensembles behind their steps. */
export class MemoryStore implements VersionStore<ModelVersion> {
  readonly #loader: VersionLoader<ModelVersion>;
  readonly #models: readonly MemoryModel[];
  readonly #log: Logger;
  readonly #versions = new Map<string, Map<number, ModelVersion>>();
  readonly failures = new Map<string, StatusError>();

  constructor(loader: VersionLoader<ModelVersion>, models: readonly MemoryModel[], log: Logger) {
    this.#loader = loader;
    this.#models = models;
    this.#log = log;
  }

  async start(): Promise<void> {
    for (const model of this.#models) await this.#load(model);
  }

  async stop(): Promise<void> {
    for (const name of [...this.#versions.keys()].reverse()) await this.unload(name);
  }

  resolve(name: string, version: number): ModelVersion {
    const versions = this.#versions.get(name);
    if (versions === undefined) throw new StatusError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
    const found = versions.get(version === -1 ? Math.max(...versions.keys()) : version);
    if (found !== undefined) return found;
    const problem = version === -1 ? 'has no available versions' : `version ${version} is not found`;
    throw new StatusError('NOT_FOUND', `Request for unknown model: '${name}' ${problem}`);
  }

  resolveStep(_namespace: string, name: string, version: number): ModelVersion {
    return this.resolve(name, version);
  }

  state(name: string, version: number): ModelState {
    this.resolve(name, version);
    return 'READY';
  }

  readyVersions(name: string): readonly number[] {
    return [...(this.#versions.get(name)?.keys() ?? [])].sort((a, b) => a - b);
  }

  *loadedVersions(): Iterable<ModelVersion> {
    for (const versions of this.#versions.values()) yield* versions.values();
  }

  index(readyOnly: boolean): readonly IndexEntry[] {
    const ready: IndexEntry[] = [...this.loadedVersions()].map(({ name, version }) => ({
      name,
      version,
      state: 'READY',
    }));
    if (readyOnly) return ready;
    const failed = [...this.failures].map(([name, error]): IndexEntry => {
      return { name, version: 1, state: 'UNAVAILABLE', reason: error.message };
    });
    return [...ready, ...failed];
  }

  async load(): Promise<void> {
    throw new StatusError('UNSUPPORTED', 'a memory store has no models to load later');
  }

  async unload(name: string): Promise<void> {
    const versions = [...(this.#versions.get(name)?.values() ?? [])];
    this.#versions.set(name, new Map());
    await Promise.all(versions.map((version) => version.unload()));
  }

  register(): void {
    throw new StatusError('UNSUPPORTED', 'a memory store has no repositories');
  }

  unregister(): void {
    throw new StatusError('UNSUPPORTED', 'a memory store has no repositories');
  }

  async #load(model: MemoryModel): Promise<void> {
    const config = parseModelConfigText(model.config);
    normalizeModelConfig(config);
    try {
      validateModelConfig(config);
      if (config.schedulingChoice.case === 'ensembleScheduling') {
        const models = config.schedulingChoice.value.step.map(({ modelName, modelVersion }) => {
          return { id: modelName, config: this.resolve(modelName, Number(modelVersion)).config };
        });
        validateEnsemble({ id: config.name, config, models });
      }
      const versions = new Map<number, ModelVersion>();
      for (const version of model.versions ?? [1])
        versions.set(version, await this.#loadVersion(config, version, model));
      this.#versions.set(config.name, versions);
    } catch (error) {
      this.failures.set(config.name, StatusError.from(error));
    }
  }

  async #loadVersion(config: ModelConfig, version: number, model: MemoryModel): Promise<ModelVersion> {
    const directory = `/models/${config.name}`;
    const context: ModelLoadContext = {
      modelName: config.name,
      version,
      modelDirectory: directory,
      versionDirectory: `${directory}/${version}`,
      config,
      backendConfig: new Map(),
      cacheDirectory: undefined,
      log: this.#log,
    };
    const isEnsemble = config.schedulingChoice.case === 'ensembleScheduling';
    const complete = isEnsemble ? config : await this.#loader.completeConfig(context, { autoComplete: true });
    return this.#loader.load({ ...context, config: complete }, model.labels ?? new Map());
  }
}
