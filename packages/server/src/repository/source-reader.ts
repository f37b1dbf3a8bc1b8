import { create } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import {
  autofillBackend,
  type ModelConfig,
  normalizeModelConfig,
  parseModelConfigJson,
  validateModelConfig,
  validateModelIo,
} from '../config/index.ts';
import type { LoadOverrides } from '../inference/index.ts';
import { exists, joinPath, listDirectory, listSubdirectories } from './files.ts';
import type { RepositoryLimits } from './limits.ts';
import type { ModelId } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import { createOverrideDirectory, type OverrideDirectory } from './override-files.ts';
import { configPath, readConfigFile } from './read-config.ts';
import { ModelTimestamp } from './timestamps.ts';

export interface SourceReaderOptions {
  readonly autoComplete: boolean;
  readonly modelConfigName: string | undefined;
  readonly temporaryDirectory: string | undefined;
  readonly limits: RepositoryLimits;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
}

/** What is to be polled. */
export interface PollTarget {
  readonly id: ModelId;
  /** Undefined when the files come with the load request. */
  readonly modelDirectory: string | undefined;
  /** A mapped model takes its name from the mapping, whatever directory and configuration say. */
  readonly isMapped: boolean;
  readonly explicitlyLoaded: boolean;
  readonly overrides: LoadOverrides | undefined;
}

/** Turns a model directory, or a load request's files, into what can be loaded. */
export class SourceReader {
  readonly #options: SourceReaderOptions;

  constructor(options: SourceReaderOptions) {
    this.#options = options;
  }

  /**
   * Polls one model.
   * @param known the model as polled before, undefined for a new one
   * @returns undefined when nothing changed since
   * @throws StatusError with the text Triton logs for a failed poll
   */
  async read(target: PollTarget, known: ModelSource | undefined): Promise<ModelSource | undefined> {
    if (target.modelDirectory !== undefined) return this.#readDirectory(target, target.modelDirectory, known);
    const files = target.overrides?.files ?? new Map();
    if (target.overrides?.config === undefined) {
      throw new StatusError('INVALID_ARG', "Load parameter 'config' must be specified for model file override");
    }
    const config = this.#parseOverride(target.overrides.config);
    const overrides = await createOverrideDirectory(files, this.#options.temporaryDirectory);
    try {
      return await this.#finish(
        target,
        { config, modelDirectory: overrides.path, overrides },
        known,
        new ModelTimestamp(),
      );
    } catch (error) {
      await overrides.release();
      throw error;
    }
  }

  async #readDirectory(
    target: PollTarget,
    directory: string,
    known: ModelSource | undefined,
  ): Promise<ModelSource | undefined> {
    const { modelConfigName, limits, now } = this.#options;
    const path = await configPath(directory, modelConfigName);
    const timestamp = await ModelTimestamp.read(directory, path, limits.maxModelFiles);
    const override = target.overrides?.config;
    if (override !== undefined) {
      const config = this.#parseOverride(override);
      return this.#finish(target, { config, modelDirectory: directory }, known, timestamp.withConfigTime(now()));
    }
    if (known && !known.timestamp.isOlderThan(timestamp)) return undefined;
    const config = await this.#readConfig(joinPath(directory, path));
    return this.#finish(target, { config, modelDirectory: directory }, known, timestamp);
  }

  /** Undefined when there is none and the backend may make one. */
  async #readConfig(path: string): Promise<ModelConfig | undefined> {
    if (this.#options.autoComplete && !(await exists(path))) return undefined;
    return readConfigFile(path, this.#options.limits.maxConfigBytes);
  }

  #parseOverride(json: string): ModelConfig {
    const { maxConfigBytes } = this.#options.limits;
    if (json.length > maxConfigBytes) {
      throw new StatusError('INVALID_ARG', `Invalid config override: longer than ${maxConfigBytes} bytes`);
    }
    try {
      return parseModelConfigJson(json);
    } catch (error) {
      throw new StatusError('INVALID_ARG', `Invalid config override: ${StatusError.from(error).message}`);
    }
  }

  async #finish(
    target: PollTarget,
    found: FoundModel,
    known: ModelSource | undefined,
    timestamp: ModelTimestamp,
  ): Promise<ModelSource> {
    const { name } = target.id;
    const config = found.config ?? create(ModelConfigSchema);
    refuseAgents(config);
    autofillBackend(name, await firstVersionListing(found.modelDirectory), config);
    normalizeModelConfig(config);
    validateModelConfig(config);
    if (!this.#options.autoComplete) validateModelIo(config);
    if (target.isMapped) config.name = name;
    else if (config.name !== name) {
      const rule = `for model '${config.name}', directory name must equal model name`;
      throw new StatusError('INVALID_ARG', `unexpected directory name '${name}' ${rule}`);
    }
    return {
      id: target.id,
      modelDirectory: found.modelDirectory,
      config,
      isConfigProvided: found.config !== undefined,
      explicitlyLoaded: target.explicitlyLoaded || (known?.explicitlyLoaded ?? false),
      timestamp,
      previousTimestamp: known?.timestamp ?? new ModelTimestamp(),
      overrides: found.overrides,
    };
  }
}

interface FoundModel {
  readonly config: ModelConfig | undefined;
  readonly modelDirectory: string;
  readonly overrides?: OverrideDirectory;
}

/** The contents of the model's first subdirectory by name, which tell its backend. */
export async function firstVersionListing(
  modelDirectory: string,
): Promise<Awaited<ReturnType<typeof listDirectory>> | undefined> {
  const [first] = await listSubdirectories(modelDirectory);
  return first === undefined ? undefined : listDirectory(joinPath(modelDirectory, first));
}

/** Repository agents are libraries that change a model while it loads; there are none to load here. */
export function refuseAgents(config: ModelConfig): void {
  const [agent] = config.modelRepositoryAgents?.agents ?? [];
  if (agent === undefined) return;
  const library = `libtritonrepoagent_${agent.name}.so`;
  throw new StatusError('INVALID_ARG', `unable to find '${library}' for repo agent '${agent.name}', searched: `);
}
