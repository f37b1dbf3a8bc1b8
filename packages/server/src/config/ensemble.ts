import { create } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import {
  type ModelConfig,
  type ModelEnsembling_Step,
  type ModelInput,
  ModelTransactionPolicySchema,
} from '@nereid/protocol/model-config';
import { WILDCARD_DIM } from './dims.ts';
import { decoupledFlow } from './ensemble-decoupled.ts';
import { consistencyProblems, type EnsembleTensor, modelTensor, ownTensor } from './ensemble-tensors.ts';
import { type ConfigProblem, invalid, type Problems, throwFirst, within } from './problem.ts';
import { stepModelProblems } from './step-option-problems.ts';
import { type StepOptions, stepOptions } from './step-options.ts';

/** A composing model. */
export interface ComposingModel {
  /** As messages print it: the name, or `namespace::name` with namespacing. */
  readonly id: string;
  /** Complete: auto-completed and normalised. */
  readonly config: ModelConfig;
}

export interface EnsembleContext {
  /** The ensemble as messages print it. */
  readonly id: string;
  readonly config: ModelConfig;
  /** The model of each step, by position; undefined when it is not known, and then the step is not looked at. */
  readonly models: readonly (ComposingModel | undefined)[];
}

/** The tensors of an ensemble with what its own configuration and its models say of them. */
export type EnsembleTensors = ReadonlyMap<string, EnsembleTensor>;

/**
 * Checks an ensemble whose own configuration is valid against its composing models, and notes in its configuration whether it is decoupled.
 * @throws StatusError INVALID_ARG with the problem Triton would report
 */
export function validateEnsemble(context: EnsembleContext): void {
  const tensors = ownTensors(context);
  throwFirst(modelProblems(context, tensors));
  const flow = decoupledFlow(context, tensors);
  if (flow.problem) throw new StatusError(flow.problem.code, flow.problem.message);
  context.config.modelTransactionPolicy ??= create(ModelTransactionPolicySchema);
  context.config.modelTransactionPolicy.decoupled = flow.decoupled;
}

/** Everything wrong between an ensemble and its models, and what is known of each tensor. */
export function inspectEnsemble(context: EnsembleContext): { problems: ConfigProblem[]; tensors: EnsembleTensors } {
  const tensors = ownTensors(context);
  const problems = [...modelProblems(context, tensors)];
  if (problems.length === 0) {
    const { problem } = decoupledFlow(context, tensors);
    if (problem) problems.push(problem);
  }
  return { problems, tensors };
}

export function ensembleSteps(config: ModelConfig): readonly ModelEnsembling_Step[] {
  return config.schedulingChoice.case === 'ensembleScheduling' ? config.schedulingChoice.value.step : [];
}

function ownTensors({ id, config }: EnsembleContext): Map<string, EnsembleTensor> {
  const tensors = new Map<string, EnsembleTensor>();
  for (const tensor of [...config.input, ...config.output]) {
    if (!tensors.has(tensor.name)) tensors.set(tensor.name, ownTensor(id, config.maxBatchSize > 0, tensor));
  }
  return tensors;
}

function* stepsWithModels(context: EnsembleContext): Generator<[ModelEnsembling_Step, ComposingModel, number]> {
  for (const [index, step] of ensembleSteps(context.config).entries()) {
    const model = context.models[index];
    if (model) yield [step, model, index];
  }
}

/** Step by step in Triton's order; `tensors` gains what the steps say. */
function* modelProblems(context: EnsembleContext, tensors: Map<string, EnsembleTensor>): Problems {
  const options = stepOptions(context.config);
  for (const [step, model, index] of stepsWithModels(context)) {
    const path = ['ensemble_scheduling', 'step', index] as const;
    const option = options[index]!;
    const limit = model.config.maxBatchSize;
    // A step that maps cuts its batches to what the model takes.
    if (limit !== 0 && limit < context.config.maxBatchSize && option.map.length === 0) {
      const message =
        `ensemble ${context.id} allows maximum batch size ${context.config.maxBatchSize}, but it contains model ` +
        `${step.modelName} which only allows maximum batch size to be ${limit}`;
      yield invalid(message, ...path, 'model_name');
    }
    yield* within(inputProblems(context.id, step, model, option, tensors), path);
    yield* within(outputProblems(context.id, step, model, option, tensors), path);
  }
  yield* stepModelProblems(context, options, tensors);
}

function* inputProblems(
  ensemble: string,
  step: ModelEnsembling_Step,
  model: ComposingModel,
  option: StepOptions,
  tensors: Map<string, EnsembleTensor>,
): Problems {
  const inputs = byName(model.config.input);
  for (const [key, tensor] of Object.entries(step.inputMap)) {
    if (inputs.has(key)) continue;
    const mapping = `ensemble tensor ${tensor} is mapping to non-existing input ${key} in model ${model.id}`;
    yield invalid(`in ensemble ${ensemble}, ${mapping}`, 'input_map', { key });
  }
  for (const input of model.config.input) {
    const tensor = inputTensor(step, model, option, input);
    if (tensor) {
      yield* within(noteTensor(tensors, tensor, ensemble), ['input_map', { key: input.name }]);
    } else if (!input.optional) {
      const subject = `input ${input.name} in model ${model.id}`;
      yield invalid(`in ensemble ${ensemble}, ${subject} is not mapped to any ensemble tensors`, 'input_map');
    }
  }
}

function* outputProblems(
  ensemble: string,
  step: ModelEnsembling_Step,
  model: ComposingModel,
  option: StepOptions,
  tensors: Map<string, EnsembleTensor>,
): Problems {
  const outputs = byName(model.config.output);
  for (const [key, tensor] of Object.entries(step.outputMap)) {
    if (outputs.has(key)) continue;
    const mapping = `ensemble tensor ${tensor} is mapped from non-existing output ${key} in model ${step.modelName}`;
    yield invalid(`in ensemble ${ensemble}, ${mapping}`, 'output_map', { key });
  }
  for (const [key, name] of Object.entries(step.outputMap)) {
    const output = outputs.get(key);
    if (!output) continue;
    const dims = option.map.length > 0 ? [WILDCARD_DIM, ...output.dims] : output.dims;
    const tensor = modelTensor(name, model.id, model.config.maxBatchSize > 0, output, dims);
    yield* within(noteTensor(tensors, tensor, ensemble), ['output_map', { key }]);
  }
}

/** The first model that names a tensor says what it is; every later one must agree. */
function* noteTensor(tensors: Map<string, EnsembleTensor>, tensor: EnsembleTensor, ensemble: string): Problems {
  const known = tensors.get(tensor.name);
  if (known) yield* consistencyProblems(known, tensor, ensemble);
  else tensors.set(tensor.name, tensor);
}

/** The items of a tensor that a step maps over are the model's input; the tensor has one dimension more. */
function inputTensor(
  step: ModelEnsembling_Step,
  model: ComposingModel,
  { map }: StepOptions,
  input: ModelInput,
): EnsembleTensor | undefined {
  const name = Object.hasOwn(step.inputMap, input.name) ? step.inputMap[input.name] : undefined;
  if (name === undefined) return undefined;
  const dims = map.includes(name) ? [WILDCARD_DIM, ...input.dims] : input.dims;
  return modelTensor(name, model.id, model.config.maxBatchSize > 0, input, dims);
}

function byName<T extends { readonly name: string }>(tensors: readonly T[]): ReadonlyMap<string, T> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}
