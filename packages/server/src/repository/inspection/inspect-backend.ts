import { clone } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import { type ModelConfig, modelIoProblems } from '../../config/index.ts';
import type { ModelLoadContext } from '../../inference/index.ts';
import { exists } from '../files.ts';
import { settingsOf } from '../load-version.ts';
import type { LoadedVersion, VersionLoader } from '../version-loader.ts';
import { blamedField } from './blamed-field.ts';
import type { InspectedModel } from './inspected-model.ts';
import type { InspectionOptions } from './types.ts';

/**
 * Lets a model's backend complete the configuration and load every version, and frees it again. Problems of a configuration that was wrong
 * before are known already: such a model is left alone.
 */
export async function inspectBackend(model: InspectedModel, options: InspectionOptions): Promise<void> {
  const { loader } = options;
  const { config } = model;
  if (!loader || !config || model.hasErrors || config.schedulingChoice.case === 'ensembleScheduling') return;
  for (const { version, path } of model.versions) {
    const context: ModelLoadContext = {
      modelName: model.id.name,
      version,
      modelDirectory: model.directory,
      versionDirectory: path,
      config: clone(ModelConfigSchema, config),
      backendConfig: settingsOf(options.backendConfig ?? new Map(), config.backend),
      cacheDirectory: options.cacheDirectory,
      log: options.log,
    };
    const complete = await completeAndLoad(model, loader, context, options.autoComplete);
    if (complete) model.config = complete;
  }
}

async function completeAndLoad(
  model: InspectedModel,
  loader: VersionLoader<LoadedVersion>,
  context: ModelLoadContext,
  autoComplete: boolean,
): Promise<ModelConfig | undefined> {
  try {
    const config = await loader.completeConfig(context, { autoComplete });
    const loaded = await loader.load({ ...context, config }, new Map());
    await loaded.unload();
    return config;
  } catch (error) {
    for (const message of messagesOf(StatusError.from(error))) {
      const known = [...modelIoProblems(context.config)].filter((problem) => problem.message === message);
      if (known[0]) model.addProblem(known[0]);
      else await noteProblem(model, context, message);
    }
    return undefined;
  }
}

/** A backend's error, and with it whatever else the backend found: an error is thrown with the others as its cause. */
function messagesOf({ message, cause }: StatusError): string[] {
  const others = cause instanceof AggregateError ? cause.errors.map((other) => StatusError.from(other).message) : [];
  return [...new Set([message, ...others])];
}

/** At the field that the message is about, else at the file that it names, else at the configuration as a whole. */
async function noteProblem(model: InspectedModel, context: ModelLoadContext, message: string): Promise<void> {
  const text = `version ${context.version}: ${message}`;
  const path = blamedField(context.config, message);
  const file = path === undefined ? await namedFile(context.versionDirectory, message) : undefined;
  if (file === undefined) model.addProblem({ message: text, path: path ?? [] });
  else model.addFileProblem(file, text);
}

/** The file of a version directory that a message names by its path, if it is there. */
async function namedFile(versionDirectory: string, message: string): Promise<string | undefined> {
  const start = message.indexOf(`${versionDirectory}/`);
  if (start < 0) return undefined;
  const [path] = message.slice(start).split(/['"\s]/, 1);
  return path !== undefined && (await exists(path)) ? path : undefined;
}
