import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { StatusError } from '@nereid/protocol';
import { joinPath, listSubdirectories } from '../files.ts';
import { DEFAULT_REPOSITORY_LIMITS } from '../limits.ts';
import { compareModelIds, modelKey } from '../model-id.ts';
import { hintFor } from './hints.ts';
import { inspectBackend } from './inspect-backend.ts';
import { inspectConfig } from './inspect-config.ts';
import { inspectEnsembles } from './inspect-ensembles.ts';
import { InspectedModel } from './inspected-model.ts';
import type { InspectionOptions, InspectionProblem, RepositoryInspection } from './types.ts';

/** Checks repositories without serving them: every problem of every model at once. Never throws for what it finds in them. */
export async function inspectRepository(
  paths: readonly string[],
  options: InspectionOptions,
): Promise<RepositoryInspection> {
  const problems: InspectionProblem[] = [];
  const models = new Map<string, InspectedModel>();
  for (const path of paths) {
    const repository = isAbsolute(path) ? path : resolve(path);
    for (const name of await modelNames(repository, problems)) {
      const id = { namespace: options.namespacing ? repository : '', name };
      const model = new InspectedModel(id, joinPath(repository, name));
      const other = models.get(modelKey(id));
      if (other) noteDuplicate(other, model, problems);
      else models.set(modelKey(id), model);
    }
  }
  const limits = { ...DEFAULT_REPOSITORY_LIMITS, ...options.limits };
  const sorted = [...models.values()].sort((a, b) => compareModelIds(a.id, b.id));
  for (const model of sorted) {
    await inspectConfig(model, options, limits);
    await inspectBackend(model, options);
  }
  const ensembles = inspectEnsembles(models);
  for (const model of sorted) {
    problems.push(...model.problems.map((problem) => ({ ...problem, hint: hintFor(problem.message, model, models) })));
  }
  return { goodModels: sorted.filter((model) => !model.hasErrors).map((model) => model.name), problems, ensembles };
}

async function modelNames(repository: string, problems: InspectionProblem[]): Promise<string[]> {
  try {
    const found = await stat(repository).catch((error: unknown) => {
      throw new StatusError('INTERNAL', `failed to stat file ${repository}`, { cause: error });
    });
    if (!found.isDirectory()) throw new StatusError('INVALID_ARG', 'repository path is not a valid directory');
    return await listSubdirectories(repository);
  } catch (error) {
    problems.push(problemOf(undefined, repository, StatusError.from(error).message));
    return [];
  }
}

function noteDuplicate(first: InspectedModel, second: InspectedModel, problems: InspectionProblem[]): void {
  const message = `failed to poll model '${first.name}': not unique across all model repositories`;
  first.addError(message);
  problems.push(problemOf(second.name, second.directory, message));
}

function problemOf(model: string | undefined, file: string, message: string): InspectionProblem {
  return { severity: 'error', model, file, line: undefined, column: undefined, message, hint: undefined };
}
