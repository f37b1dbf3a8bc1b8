import { clone, equals } from '@bufbuild/protobuf';
import { StatusError, statusCodeName } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import type { ModelConfig } from '../config/index.ts';
import type { Logger, ModelState } from '../inference/index.ts';
import { type ModelId, modelKey, printModelId, printModelKey } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import { Semaphore } from './semaphore.ts';
import type { LoadedVersion } from './version-loader.ts';
import { ModelVersions, VersionRecord } from './version-record.ts';
import { logVersionReport, type VersionDirectory, versionsToLoad } from './versions.ts';

const SOURCE = 'model_lifecycle.cc';

/** Makes one version of a polled model run: completes its configuration, reads its labels, loads it. Throws StatusError. */
export type LoadVersion<Version> = (source: ModelSource, directory: VersionDirectory) => Promise<Version>;

export interface LifecycleOptions {
  readonly loadThreadCount: number;
  readonly loadRetryCount: number;
  /** Keys name a repository too; else they are names. */
  readonly namespacing: boolean;
}

/** The versions of all models and their states. A version that is to be replaced serves until its successor is ready. */
export class ModelLifecycle<Version extends LoadedVersion> {
  readonly #models = new Map<string, ModelVersions<Version>>();
  readonly #loadVersion: LoadVersion<Version>;
  readonly #options: LifecycleOptions;
  readonly #log: Logger;
  readonly #slots: Semaphore;
  /** Unloads under way. */
  readonly #unloads = new Set<Promise<void>>();

  constructor(loadVersion: LoadVersion<Version>, options: LifecycleOptions, log: Logger) {
    this.#loadVersion = loadVersion;
    this.#options = options;
    this.#log = log;
    this.#slots = new Semaphore(options.loadThreadCount);
  }

  /** By `modelKey`; undefined for a model that was never loaded. */
  get(key: string): ModelVersions<Version> | undefined {
    return this.#models.get(key);
  }

  /** The models whose load was tried at least once. */
  models(): Iterable<ModelVersions<Version>> {
    return this.#models.values();
  }

  *loadedVersions(): Generator<Version> {
    for (const model of this.#models.values()) {
      for (const { state, loaded } of model.records.values()) if (state === 'READY' && loaded) yield loaded;
    }
  }

  /** The version that answers. @param version -1: the highest that is ready. @throws StatusError NOT_FOUND, UNAVAILABLE */
  resolve(key: string, version: number): Version {
    const model = this.#models.get(key);
    if (version === -1 && model?.latest) return model.latest;
    const record = model?.records.get(version);
    if (record?.state === 'READY' && record.loaded) return record.loaded;
    throw unknownModel(this.#print(key), version, model !== undefined, record !== undefined);
  }

  /** Version -1: whether any is ready. @throws StatusError NOT_FOUND as `resolve` does for what does not exist */
  state(key: string, version: number): ModelState {
    const model = this.#models.get(key);
    if (version === -1 && model) return model.latest ? 'READY' : 'UNAVAILABLE';
    const record = model?.records.get(version);
    if (record) return record.state;
    throw unknownModel(this.#print(key), version, model !== undefined, false);
  }

  /**
   * Loads the versions that the policy wants. When one of them fails, none of the new ones stays and the old ones go on serving; otherwise
   * the old ones are unloaded once the new ones are ready.
   * @param previous the source the model was loaded from before
   * @throws StatusError INVALID_ARG with what Triton answers a load request
   */
  async load(source: ModelSource, previous: ModelSource | undefined): Promise<void> {
    const model = this.#models.get(modelKey(source.id)) ?? new ModelVersions<Version>(source.id);
    this.#models.set(modelKey(source.id), model);
    const name = printModelId(source.id);
    const directories = await this.#versions(source, name);
    const kept = new Set<number>();
    const loads = directories.map(async (directory) => {
      const current = model.records.get(directory.version);
      if (current && previous && this.#canKeep(current, source, previous)) {
        current.polledConfig = source.config;
        kept.add(directory.version);
        return undefined;
      }
      const record = new VersionRecord<Version>(directory.version, source.config, source.overrides);
      if (current?.state !== 'READY') model.records.set(directory.version, record);
      this.#log.info(`loading: ${name}:${directory.version}`, SOURCE);
      await this.#slots.run(() => this.#create(record, source, directory, name));
      return record;
    });
    const records = (await Promise.all(loads)).filter((record) => record !== undefined);
    const failed = records.filter((record) => record.state !== 'LOADING');
    if (failed.length > 0) {
      for (const record of records) if (record.loaded) void this.#unload(record, name, Promise.resolve());
      model.update();
      this.#log.info(`failed to load '${name}'`, SOURCE);
      const reasons = failed.map(
        (record) => `version ${record.version} is at ${record.state} state: ${record.reason};`,
      );
      throw new StatusError('INVALID_ARG', reasons.join(''));
    }
    this.#swap(model, records, kept, name);
    this.#log.info(`successfully loaded '${name}'`, SOURCE);
  }

  /** Takes all versions out of service at once and frees them after `after`. Settles when they are gone. */
  async unload(id: ModelId, after: Promise<unknown> = Promise.resolve()): Promise<void> {
    const model = this.#models.get(modelKey(id));
    if (!model) return;
    const unloads: Promise<void>[] = [];
    for (const record of model.records.values()) {
      if (record.state === 'READY') unloads.push(this.#unload(record, printModelId(id), after));
    }
    model.update();
    await Promise.all(unloads);
  }

  /** Settles when every unload that was begun is over. */
  async settled(): Promise<void> {
    while (this.#unloads.size > 0) await Promise.all(this.#unloads);
  }

  #print(key: string): string {
    return this.#options.namespacing ? printModelKey(key) : key;
  }

  async #versions(source: ModelSource, name: string): Promise<VersionDirectory[]> {
    const report = logVersionReport(this.#log);
    const directories = await versionsToLoad(source.id, source.modelDirectory, source.config, report);
    if (directories.length > 0) return directories;
    const message = `at least one version must be available under the version policy of model '${name}'`;
    this.#log.error(`failed to load model '${name}': ${message}`, 'model_repository_manager.cc');
    throw new StatusError('INVALID_ARG', message);
  }

  /** Whether a serving version is what a reload would give: its files are as they were, and of the configuration only the policy changed. */
  #canKeep(record: VersionRecord<Version>, source: ModelSource, previous: ModelSource): boolean {
    if (record.state !== 'READY' || source.overrides || previous.overrides) return false;
    if (source.config.schedulingChoice.case === 'ensembleScheduling') return false;
    if (previous.timestamp.isVersionOlderThan(source.timestamp, record.version)) return false;
    return sameBesidesPolicy(record.polledConfig, source.config);
  }

  async #create(
    record: VersionRecord<Version>,
    source: ModelSource,
    directory: VersionDirectory,
    name: string,
  ): Promise<void> {
    let failure: StatusError | undefined;
    for (let attempt = 0; attempt <= this.#options.loadRetryCount; attempt++) {
      try {
        record.loaded = await this.#loadVersion(source, directory);
        return;
      } catch (error) {
        failure = StatusError.from(error);
        const text = `${statusCodeName(failure.code)}: ${failure.message}`;
        this.#log.error(`failed to load '${name}' version ${record.version}: ${text}`, SOURCE);
      }
    }
    if (failure) await record.fail(`${statusCodeName(failure.code)}: ${failure.message}`);
  }

  /** Puts the new versions into service and the others out, in one turn. */
  #swap(
    model: ModelVersions<Version>,
    records: readonly VersionRecord<Version>[],
    kept: ReadonlySet<number>,
    name: string,
  ): void {
    const old = [...model.records.values()].filter((record) => record.state === 'READY' && !kept.has(record.version));
    for (const record of records) {
      record.state = 'READY';
      model.records.set(record.version, record);
    }
    for (const record of old) void this.#unload(record, name, Promise.resolve());
    model.update();
  }

  #unload(record: VersionRecord<Version>, name: string, after: Promise<unknown>): Promise<void> {
    const onError = (error: unknown) => {
      const { message } = StatusError.from(error);
      this.#log.error(`failed to unload '${name}' version ${record.version}: ${message}`, SOURCE);
    };
    const done = record.unload(after, onError).then(() => {
      this.#unloads.delete(done);
      this.#log.info(`successfully unloaded '${name}' version ${record.version}`, SOURCE);
    });
    this.#unloads.add(done);
    return done;
  }
}

function unknownModel(name: string, version: number, modelExists: boolean, versionExists: boolean): StatusError {
  const subject = `Request for unknown model: '${name}'`;
  if (!modelExists) return new StatusError('NOT_FOUND', `${subject} is not found`);
  if (versionExists) return new StatusError('UNAVAILABLE', `${subject} version ${version} is not at ready state`);
  if (version === -1) return new StatusError('NOT_FOUND', `${subject} has no available versions`);
  return new StatusError('NOT_FOUND', `${subject} version ${version} is not found`);
}

function sameBesidesPolicy(a: ModelConfig, b: ModelConfig): boolean {
  const other = clone(ModelConfigSchema, b);
  if (a.versionPolicy) other.versionPolicy = a.versionPolicy;
  return equals(ModelConfigSchema, a, other);
}
