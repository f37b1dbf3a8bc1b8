import { StatusError } from '@nereid/protocol';
import { describeTextProblem, type ModelEnsembling_Step } from '../config/index.ts';
import type { IndexEntry, LoadOverrides, Logger, ModelHandle, ModelState } from '../inference/index.ts';
import { isDirectory } from './files.ts';
import { ModelLifecycle } from './lifecycle.ts';
import { DEFAULT_REPOSITORY_LIMITS, type RepositoryLimits } from './limits.ts';
import { loadVersion } from './load-version.ts';
import { ModelChanges } from './model-changes.ts';
import { compareModelIds, modelKey, printModelId, printModelKey } from './model-id.ts';
import { checkModelName } from './model-name.ts';
import type { ModelSource } from './model-source.ts';
import type { RepositoryOptions } from './options.ts';
import { Poller } from './poller.ts';
import { Registrations } from './registrations.ts';
import { repositoryIndex } from './repository-index.ts';
import { SourceReader } from './source-reader.ts';
import type { LoadedVersion, VersionLoader } from './version-loader.ts';

const SOURCE = 'model_repository_manager.cc';
const DEFAULT_POLL_INTERVAL_MS = 15_000;
const DEFAULT_LOAD_THREADS = 4;

/** A version of a model as the table at start-up shows it; `version` is undefined for a model that has none. */
export interface VersionStatus {
  readonly name: string;
  readonly version: number | undefined;
  readonly state: ModelState;
  readonly reason: string;
}

/**
 * Serves the models of one or more repositories: finds them, decides what is loaded when, and keeps every version's state. Models load in
 * the order in which ensembles need them, and a bad one takes nothing with it but the ensembles that need it.
 *
 * Looking a version up for a request is two map accesses; everything else happens off the request path.
 */
export class ModelRepositoryManager<Version extends LoadedVersion> {
  readonly #options: RepositoryOptions;
  readonly #log: Logger;
  readonly #limits: RepositoryLimits;
  readonly #registrations: Registrations;
  readonly #lifecycle: ModelLifecycle<Version>;
  readonly #changes: ModelChanges<Version>;
  #startupFailure: StatusError | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: RepositoryOptions, loader: VersionLoader<Version>, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#limits = { ...DEFAULT_REPOSITORY_LIMITS, ...options.limits };
    this.#registrations = new Registrations(options.paths, options.namespacing ?? false);
    this.#lifecycle = this.#createLifecycle(loader);
    this.#changes = new ModelChanges(this.#createPoller(), this.#lifecycle, log);
  }

  #createPoller(): Poller {
    const reader = new SourceReader({
      autoComplete: this.#options.autoComplete,
      modelConfigName: this.#options.modelConfigName,
      temporaryDirectory: this.#options.temporaryDirectory,
      limits: this.#limits,
      now: () => BigInt(Date.now()) * 1_000_000n,
    });
    const report = this.#options.onTextFormatError ?? ((line: string) => void process.stderr.write(`${line}\n`));
    return new Poller(this.#registrations, reader, this.#log, ({ problems }) => {
      const prefix = '[libprotobuf ERROR google/protobuf/text_format.cc:337]';
      for (const problem of problems) report(`${prefix} ${describeTextProblem(problem)}`);
    });
  }

  #createLifecycle(loader: VersionLoader<Version>): ModelLifecycle<Version> {
    const options = this.#options;
    const loading = {
      loader,
      autoComplete: options.autoComplete,
      backendConfig: options.backendConfig ?? new Map(),
      cacheDirectory: options.cacheDirectory,
      maxLabelFileBytes: this.#limits.maxLabelFileBytes,
      log: this.#log,
      repositories: () => this.#registrations.repositories,
      stepHandle: (ensemble: ModelSource, step: ModelEnsembling_Step) => this.#stepHandle(ensemble, step),
    };
    const lifecycle = {
      namespacing: this.#registrations.namespacing,
      loadThreadCount: options.loadThreadCount ?? DEFAULT_LOAD_THREADS,
      loadRetryCount: options.loadRetryCount ?? 0,
    };
    return new ModelLifecycle((source, directory) => loadVersion(loading, source, directory), lifecycle, this.#log);
  }

  /** Why the server should not start, after `start`: not all models could be loaded. It can serve the others all the same. */
  get startupFailure(): StatusError | undefined {
    return this.#startupFailure;
  }

  /**
   * Loads what the control mode says is loaded at start. A bad model makes `startupFailure` and a state of its own, not an error. In mode
   * `poll` the repositories are looked at again from then on.
   * @throws StatusError for a repository that is not there and for options that contradict each other
   */
  async start(): Promise<void> {
    for (const path of this.#registrations.repositories) {
      if (!(await isDirectory(path))) throw new StatusError('INVALID_ARG', 'repository path is not a valid directory');
    }
    const { controlMode, startupModels } = this.#options;
    const isExplicit = controlMode === 'explicit';
    if (isExplicit && startupModels.includes('*') && startupModels.length > 1) {
      const message = "Wildcard model name '*' must be the ONLY startup model if specified at all.";
      throw new StatusError('INVALID_ARG', message);
    }
    const named = isExplicit && !startupModels.includes('*');
    const complete = await (named ? this.#loadStartupModels(startupModels) : this.#changes.pollAll());
    if (!complete || !this.#allReady()) this.#startupFailure = new StatusError('INTERNAL', 'failed to load all models');
    if (controlMode === 'poll') this.#schedulePoll();
  }

  /** The version that answers a request; -1 is the highest one that is ready. @throws StatusError NOT_FOUND, UNAVAILABLE, INVALID_ARG */
  resolve(name: string, version: number): Version {
    return this.#lifecycle.resolve(this.#keyOf(name), version);
  }

  /** The version that a step of an ensemble means: its `model_namespace` says which of several models of one name. @throws StatusError */
  resolveStep(namespace: string, name: string, version: number): Version {
    return this.#lifecycle.resolve(modelKey({ namespace, name }), version);
  }

  /** @throws StatusError as `resolve` for what does not exist */
  state(name: string, version: number): ModelState {
    return this.#lifecycle.state(this.#keyOf(name), version);
  }

  /** Ascending; empty for a model that is not known. */
  readyVersions(name: string): readonly number[] {
    const [key = name, ...others] = this.#registrations.namespacing ? (this.#changes.keysOf(name) ?? []) : [name];
    const records = others.length > 0 ? [] : (this.#lifecycle.get(key)?.sorted() ?? []);
    return records.filter((record) => record.state === 'READY').map((record) => record.version);
  }

  /** Every version that is ready, of every model. */
  loadedVersions(): Iterable<Version> {
    return this.#lifecycle.loadedVersions();
  }

  /** Every version that was ever tried, by model and version. */
  statuses(): VersionStatus[] {
    const models = [...this.#lifecycle.models()].sort((a, b) => compareModelIds(a.id, b.id));
    return models.flatMap((model): VersionStatus[] => {
      const name = printModelId(model.id);
      const records = model.sorted();
      if (records.length === 0) {
        return [{ name, version: undefined, state: 'UNKNOWN', reason: 'No model version was found' }];
      }
      return records.map(({ version, state, reason }) => ({ name, version, state, reason }));
    });
  }

  /** @throws StatusError INTERNAL when a repository cannot be read */
  index(readyOnly: boolean): readonly IndexEntry[] {
    return repositoryIndex(this.#registrations, this.#lifecycle, readyOnly);
  }

  /**
   * Loads a model, or loads it again when its files changed; an ensemble brings its steps along. Settles when it serves.
   * @throws StatusError UNAVAILABLE unless the control mode is `explicit`; INVALID_ARG when it cannot be loaded, INTERNAL when not found
   */
  async load(name: string, overrides?: LoadOverrides): Promise<void> {
    this.#requireExplicit();
    checkModelName(name, this.#limits.maxNameLength);
    const { complete, failures } = await this.#changes.load(name, overrides);
    let message = '';
    for (const key of this.#changes.keysOf(name) ?? []) {
      const failure = failures.get(key);
      if (failure) message += `load failed for model '${printModelKey(key)}': ${failure.message}\n`;
    }
    if (message !== '') throw new StatusError('INVALID_ARG', message);
    if (!complete) throw new StatusError('INTERNAL', `failed to load '${name}', failed to poll from model repository`);
    for (const key of this.#changes.keysOf(name) ?? []) {
      if ((this.#lifecycle.get(key)?.records.size ?? 0) > 0) continue;
      throw new StatusError('INTERNAL', `failed to load '${name}', no version is available`);
    }
  }

  /**
   * Takes a model out of service; one that is not known is no error. Ensembles that need it become unavailable. Settles before the model's
   * memory is free.
   * @param options.unloadDependents for an ensemble: unload its steps too, unless they were loaded by name or others need them
   * @throws StatusError UNAVAILABLE unless the control mode is `explicit`
   */
  async unload(name: string, options: { unloadDependents: boolean }): Promise<void> {
    this.#requireExplicit();
    await this.#changes.unload(name, options.unloadDependents);
  }

  /** Looks at all repositories and follows what changed. Mode `poll` calls it every interval. @returns false when a model could not be polled */
  poll(): Promise<boolean> {
    return this.#changes.pollAll();
  }

  /** Adds a repository. @param modelMapping directory name -> model name. @throws StatusError UNSUPPORTED, INVALID_ARG, ALREADY_EXISTS */
  register(path: string, modelMapping: ReadonlyMap<string, string>): void {
    this.#requireRegistration('registration');
    this.#registrations.register(path, modelMapping);
    this.#log.info(`Model repository registered: ${path}`, SOURCE);
  }

  /** Forgets a repository; its models stay as they are until they are unloaded. @throws StatusError UNSUPPORTED, INVALID_ARG */
  unregister(path: string): void {
    this.#requireRegistration('unregistration');
    this.#registrations.unregister(path);
    this.#log.info(`Model repository unregistered: ${path}`, SOURCE);
  }

  /** Unloads everything, ensembles before their steps. Settles when all is free. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#pollTimer);
    await this.#changes.unload(undefined, true);
    await this.#lifecycle.settled();
  }

  async #loadStartupModels(names: readonly string[]): Promise<boolean> {
    const outcomes = await Promise.all([...new Set(names)].map((name) => this.#changes.load(name, undefined)));
    return outcomes.every((outcome) => outcome.complete && outcome.failures.size === 0);
  }

  #allReady(): boolean {
    return [...this.#changes.keys].every((key) => {
      const records = [...(this.#lifecycle.get(key)?.records.values() ?? [])];
      return records.length > 0 && records.every((record) => record.state === 'READY');
    });
  }

  #schedulePoll(): void {
    if (this.#stopped) return;
    const poll = () => {
      this.poll()
        .catch((error: unknown) =>
          this.#log.error(`Failed to poll model repository: ${StatusError.from(error).message}`, SOURCE),
        )
        .finally(() => this.#schedulePoll());
    };
    this.#pollTimer = setTimeout(poll, this.#options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS).unref();
  }

  #keyOf(name: string): string {
    if (!this.#registrations.namespacing) return name;
    const keys = this.#changes.keysOf(name);
    if (keys === undefined) {
      throw new StatusError('INVALID_ARG', `Request for unknown model: '${name}' is not found`);
    }
    const [key] = keys;
    if (key === undefined) {
      throw new StatusError('NOT_FOUND', `Identifier of model '${name}' is not found in global map`);
    }
    if (keys.size === 1) return key;
    const reason = 'model namespace must be provided to resolve ambiguity.';
    throw new StatusError(
      'INVALID_ARG',
      `There are ${keys.size} identifiers of model '${name}' in global map, ${reason}`,
    );
  }

  #stepHandle(ensemble: ModelSource, step: ModelEnsembling_Step): ModelHandle | undefined {
    const key = modelKey({ namespace: step.modelNamespace, name: step.modelName });
    const version = Number(step.modelVersion);
    const isKnown = this.#changes.dependenciesOf(modelKey(ensemble.id))?.upstreams.has(key) ?? false;
    return isKnown ? this.#lifecycle.resolve(key, version).handle : undefined;
  }

  #requireExplicit(): void {
    if (this.#options.controlMode === 'explicit') return;
    const message = 'explicit model load / unload is not allowed if polling is enabled';
    throw new StatusError('UNAVAILABLE', message);
  }

  #requireRegistration(what: string): void {
    if (this.#options.controlMode === 'explicit') return;
    const message = `repository ${what} is not allowed if model control mode is not EXPLICIT`;
    throw new StatusError('UNSUPPORTED', message);
  }
}
