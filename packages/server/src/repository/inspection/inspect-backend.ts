import { clone } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import { type ModelConfig, modelIoProblems } from '../../config/index.ts';
import type { ModelLoadContext } from '../../inference/index.ts';
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
    const { message } = StatusError.from(error);
    const known = [...modelIoProblems(context.config)].filter((problem) => problem.message === message);
    if (known[0]) model.addProblem(known[0]);
    else {
      const path = blamedField(context.config, message) ?? [];
      model.addProblem({ message: `version ${context.version}: ${message}`, path });
    }
    return undefined;
  }
}
