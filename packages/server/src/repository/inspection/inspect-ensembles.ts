import { type ComposingModel, type EnsembleContext, ensembleSteps, inspectEnsemble } from '../../config/index.ts';
import { circularDependencies, connectModels, type DependencyGraph, inLoadOrder } from '../dependency-graph.ts';
import { compareBytes, modelKey } from '../model-id.ts';
import type { ModelSource } from '../model-source.ts';
import { ModelTimestamp } from '../timestamps.ts';
import { ensembleGraph } from './ensemble-graph.ts';
import type { InspectedModel } from './inspected-model.ts';
import type { EnsembleGraph } from './types.ts';

/** Notes what is wrong between ensembles and the models they use. @returns their graphs */
export function inspectEnsembles(models: ReadonlyMap<string, InspectedModel>): EnsembleGraph[] {
  const sources = new Map([...models].flatMap(([key, model]) => sourceOf(key, model)));
  const graph = connectModels(sources);
  for (const [key, error] of circularDependencies(sources, graph)) {
    models.get(key)?.addProblem({ message: error.message, path: ['ensemble_scheduling'] });
  }
  const graphs: EnsembleGraph[] = [];
  for (const key of inLoadOrder(new Set(sources.keys()), graph)) {
    const model = models.get(key) as InspectedModel;
    if (model.config?.schedulingChoice.case !== 'ensembleScheduling') continue;
    const context = contextOf(key, model, models, graph);
    // What does not hold together by itself cannot be held against its models.
    const isSound = !model.hasErrors;
    inspectDependencies(key, model, models, graph);
    const { problems, tensors } = inspectEnsemble(context);
    if (isSound) for (const problem of problems) model.addProblem(problem);
    graphs.push(ensembleGraph(context, tensors));
  }
  return graphs.sort((a, b) => compareBytes(a.name, b.name));
}

function sourceOf(key: string, model: InspectedModel): [string, ModelSource][] {
  if (!model.config) return [];
  const times = { timestamp: new ModelTimestamp(), previousTimestamp: new ModelTimestamp() };
  const place = { id: model.id, modelDirectory: model.directory, config: model.config };
  return [[key, { ...place, ...times, isConfigProvided: true, explicitlyLoaded: true, overrides: undefined }]];
}

function contextOf(
  key: string,
  model: InspectedModel,
  models: ReadonlyMap<string, InspectedModel>,
  graph: DependencyGraph,
): EnsembleContext {
  const composing = (step: string | undefined): ComposingModel | undefined => {
    const found = step === undefined ? undefined : models.get(step);
    // A model that its backend could not complete says nothing of its inputs and outputs.
    return found?.config && found.config.input.length > 0 ? { id: found.name, config: found.config } : undefined;
  };
  const steps = graph.get(key)?.steps ?? [];
  return { id: model.name, config: model.config as EnsembleContext['config'], models: steps.map(composing) };
}

/** Every step whose model or version is not there, not only the first. */
function inspectDependencies(
  key: string,
  model: InspectedModel,
  models: ReadonlyMap<string, InspectedModel>,
  graph: DependencyGraph,
): void {
  for (const [index, step] of ensembleSteps(model.config as EnsembleContext['config']).entries()) {
    if (step.modelName === '') continue;
    const path = ['ensemble_scheduling', 'step', index] as const;
    const found = graph.get(key)?.steps[index];
    const used = found === undefined ? undefined : models.get(found);
    if (!used) {
      const broken = models.get(modelKey({ namespace: model.id.namespace, name: step.modelName }));
      const problem = broken
        ? `ensemble '${model.name}' depends on '${step.modelName}' which is not valid.`
        : `ensemble ${model.name} contains models that are not available or ambiguous: ${step.modelName}`;
      model.addProblem({ message: problem, path: [...path, 'model_name'] });
    } else if (
      step.modelVersion !== -1n &&
      !used.versions.some(({ version }) => BigInt(version) === step.modelVersion)
    ) {
      const rule = `whose required version ${step.modelVersion} is not loaded.`;
      const message = `ensemble '${model.name}' depends on '${step.modelName}' ${rule}`;
      model.addProblem({ message, path: [...path, 'model_version'] });
    } else if (used.hasErrors && used !== model) {
      const message = `ensemble '${model.name}' depends on '${step.modelName}' which is not valid.`;
      model.addProblem({ message, path: [...path, 'model_name'] });
    }
  }
}
