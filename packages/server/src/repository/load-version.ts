import { clone } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import {
  type ModelConfig,
  type ModelEnsembling_Step,
  metricsWarnings,
  validateModelConfig,
  validateModelIo,
} from '../config/index.ts';
import type { Logger, ModelHandle, ModelLoadContext } from '../inference/index.ts';
import { confinedPath } from './confinement.ts';
import { inheritLabels, readLabels } from './labels.ts';
import { printModelId } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import type { LoadedVersion, VersionLoader } from './version-loader.ts';
import type { VersionDirectory } from './versions.ts';

export interface VersionLoadingOptions<Version extends LoadedVersion> {
  readonly loader: VersionLoader<Version>;
  readonly autoComplete: boolean;
  readonly backendConfig: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly cacheDirectory: string | undefined;
  readonly maxLabelFileBytes: number;
  readonly log: Logger;
  /** Directories that a version may be linked to. */
  readonly repositories: () => readonly string[];
  /** The loaded version that a step of this ensemble names. */
  readonly stepHandle: (ensemble: ModelSource, step: ModelEnsembling_Step) => ModelHandle | undefined;
}

/** Loads one version of a polled model. @throws StatusError */
export async function loadVersion<Version extends LoadedVersion>(
  options: VersionLoadingOptions<Version>,
  source: ModelSource,
  directory: VersionDirectory,
): Promise<Version> {
  await confine(source, directory, options.repositories());
  const polled = clone(ModelConfigSchema, source.config);
  const context: ModelLoadContext = {
    modelName: source.id.name,
    version: directory.version,
    modelDirectory: source.modelDirectory,
    versionDirectory: directory.path,
    config: polled,
    backendConfig: settingsOf(options.backendConfig, polled.backend),
    cacheDirectory: options.cacheDirectory,
    log: options.log,
  };
  const isEnsemble = polled.schedulingChoice.case === 'ensembleScheduling';
  const config = isEnsemble ? checkEnsemble(polled) : await complete(options, source, context);
  for (const warning of metricsWarnings(config)) options.log.warning(warning, 'metric_model_reporter.cc');
  const id = printModelId(source.id);
  const labels = await readLabels(id, source.modelDirectory, config, options.maxLabelFileBytes);
  const inherited = inheritLabels(labels, config, (step) => options.stepHandle(source, step));
  return options.loader.load({ ...context, config }, inherited);
}

function checkEnsemble(config: ModelConfig): ModelConfig {
  validateModelConfig(config);
  validateModelIo(config);
  return config;
}

async function complete<Version extends LoadedVersion>(
  { loader, autoComplete }: VersionLoadingOptions<Version>,
  source: ModelSource,
  context: ModelLoadContext,
): Promise<ModelConfig> {
  const config = await loader.completeConfig(context, { autoComplete });
  if (!source.isConfigProvided && config.input.length === 0 && config.output.length === 0) {
    const message = `model configuration is not provided for model '${source.id.name}'`;
    throw new StatusError('NOT_FOUND', message);
  }
  return config;
}

/** A version directory may be a link, but only to somewhere in the model's directory or in a repository. */
async function confine(
  source: ModelSource,
  directory: VersionDirectory,
  repositories: readonly string[],
): Promise<void> {
  for (const allowed of [source.modelDirectory, ...repositories]) {
    if ((await confinedPath(directory.path, allowed).catch(() => undefined)) !== undefined) return;
  }
  const subject = `version directory '${directory.path}' of model '${printModelId(source.id)}'`;
  throw new StatusError('UNSUPPORTED', `${subject} is outside model repository`);
}

/** Settings for all backends with those for this one in their place. */
export function settingsOf(
  settings: ReadonlyMap<string, ReadonlyMap<string, string>>,
  backend: string,
): ReadonlyMap<string, string> {
  return new Map([...(settings.get('') ?? []), ...(settings.get(backend) ?? [])]);
}
