import { clone, create } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import {
  autofillBackend,
  ConfigTextError,
  instanceGroupProblems,
  type ModelConfig,
  modelConfigProblems,
  modelIoProblems,
  normalizeInstanceGroups,
  normalizeModelConfig,
  parseModelConfigWithLocations,
} from '../../config/index.ts';
import { exists, joinPath, readRegularFile } from '../files.ts';
import type { RepositoryLimits } from '../limits.ts';
import { configPath } from '../read-config.ts';
import { firstVersionListing, refuseAgents } from '../source-reader.ts';
import { versionsToLoad } from '../versions.ts';
import { inspectLabels } from './inspect-labels.ts';
import type { InspectedModel } from './inspected-model.ts';
import type { InspectionOptions } from './types.ts';

/** Reads a model's configuration and notes everything that is wrong with it alone. */
export async function inspectConfig(
  model: InspectedModel,
  options: InspectionOptions,
  limits: RepositoryLimits,
): Promise<void> {
  const path = joinPath(model.directory, await configPath(model.directory, options.modelConfigName));
  model.isConfigProvided = !options.autoComplete || (await exists(path));
  if (model.isConfigProvided) model.file = path;
  const config = model.isConfigProvided ? await readText(model, path, limits) : create(ModelConfigSchema);
  if (!config || !(await prepare(model, config))) return;
  model.config = config;
  for (const problem of modelConfigProblems(config)) model.addProblem(problem);
  if (!options.autoComplete || isIoGiven(config)) {
    for (const problem of modelIoProblems(config)) model.addProblem(problem);
  }
  const grouped = clone(ModelConfigSchema, config);
  normalizeInstanceGroups(grouped, 1);
  for (const problem of instanceGroupProblems(grouped)) model.addProblem(problem);
  await inspectVersions(model, config);
  await inspectLabels(model, config, limits.maxLabelFileBytes);
}

async function readText(
  model: InspectedModel,
  path: string,
  limits: RepositoryLimits,
): Promise<ModelConfig | undefined> {
  try {
    const { config, locations } = parseModelConfigWithLocations(await readRegularFile(path, limits.maxConfigBytes));
    model.locations = locations;
    return config;
  } catch (error) {
    if (error instanceof ConfigTextError) for (const problem of error.problems) model.addTextProblem(problem);
    else model.addError(StatusError.from(error).message);
    return undefined;
  }
}

/** Fills and normalises what later checks expect. @returns false when nothing can be said beyond that */
async function prepare(model: InspectedModel, config: ModelConfig): Promise<boolean> {
  try {
    refuseAgents(config);
    autofillBackend(model.id.name, await firstVersionListing(model.directory), config);
  } catch (error) {
    model.addError(StatusError.from(error).message);
    return false;
  }
  normalizeModelConfig(config);
  if (config.name !== model.id.name) {
    const rule = `for model '${config.name}', directory name must equal model name`;
    model.addProblem({ message: `unexpected directory name '${model.id.name}' ${rule}`, path: ['name'] });
  }
  return true;
}

/** What a backend is about to complete is no mistake yet. An ensemble has nobody who would complete it. */
function isIoGiven(config: ModelConfig): boolean {
  return config.schedulingChoice.case === 'ensembleScheduling' || (config.input.length > 0 && config.output.length > 0);
}

async function inspectVersions(model: InspectedModel, config: ModelConfig): Promise<void> {
  try {
    model.versions = await versionsToLoad(model.id, model.directory, config, (severity, message) => {
      if (severity === 'warning') model.addWarning(message);
      else model.addProblem({ message, path: ['version_policy'] });
    });
  } catch (error) {
    model.addError(StatusError.from(error).message);
    return;
  }
  if (model.versions.length > 0) return;
  const message = `at least one version must be available under the version policy of model '${model.name}'`;
  model.addProblem({ message, path: ['version_policy'] });
}
