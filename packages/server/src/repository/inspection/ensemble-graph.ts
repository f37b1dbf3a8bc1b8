import {
  type ComposingModel,
  type EnsembleContext,
  type EnsembleTensor,
  type EnsembleTensors,
  ensembleSteps,
  type ModelConfig,
  type ModelEnsembling_Step,
  toProtocolDataType,
} from '../../config/index.ts';
import type { EnsembleGraph, GraphPort, GraphStep } from './types.ts';

type TensorConfig = ModelConfig['input'][number] | ModelConfig['output'][number];

/** An ensemble's steps and the tensors between them, each with what the model at that end says of it. */
export function ensembleGraph(context: EnsembleContext, tensors: EnsembleTensors): EnsembleGraph {
  const { config } = context;
  const own = (tensor: TensorConfig): GraphPort => ({
    port: tensor.name,
    tensor: tensor.name,
    dataType: toProtocolDataType(tensor.dataType),
    shape: fullShape(tensor.reshape?.shape ?? tensor.dims, config.maxBatchSize),
  });
  const steps = ensembleSteps(config).map((step, index) => graphStep(step, index, context.models[index], tensors));
  return {
    name: context.id,
    maxBatchSize: config.maxBatchSize,
    inputs: config.input.map(own),
    steps: inRunOrder(steps, new Set(config.input.map((input) => input.name))),
    outputs: config.output.map(own),
  };
}

function graphStep(
  step: ModelEnsembling_Step,
  index: number,
  model: ComposingModel | undefined,
  tensors: EnsembleTensors,
): GraphStep {
  const port = (name: string, tensor: string, described: readonly TensorConfig[] | undefined): GraphPort => {
    const found = described?.find((candidate) => candidate.name === name);
    const known = tensors.get(tensor);
    if (!model || !found) return { port: name, tensor, ...describe(known) };
    return {
      port: name,
      tensor,
      dataType: toProtocolDataType(found.dataType),
      shape: fullShape(found.dims, model.config.maxBatchSize),
    };
  };
  return {
    index,
    model: model?.id ?? step.modelName,
    version: step.modelVersion,
    inputs: Object.entries(step.inputMap).map(([name, tensor]) => port(name, tensor, model?.config.input)),
    outputs: Object.entries(step.outputMap).map(([name, tensor]) => port(name, tensor, model?.config.output)),
  };
}

function describe(tensor: EnsembleTensor | undefined): Pick<GraphPort, 'dataType' | 'shape'> {
  return { dataType: tensor && toProtocolDataType(tensor.dataType), shape: tensor?.fullDims };
}

function fullShape(dims: readonly bigint[], maxBatchSize: number): readonly bigint[] {
  return maxBatchSize > 0 ? [-1n, ...dims] : dims;
}

function inRunOrder(steps: readonly GraphStep[], inputs: ReadonlySet<string>): GraphStep[] {
  const consumers = new Map<string, GraphStep[]>();
  const missing = new Map<GraphStep, number>();
  for (const step of steps) {
    const needed = new Set(step.inputs.map((input) => input.tensor));
    missing.set(step, needed.size);
    for (const tensor of needed) {
      const list = consumers.get(tensor);
      if (list) list.push(step);
      else consumers.set(tensor, [step]);
    }
  }
  const order = new Set<GraphStep>();
  const ready = new Set(inputs);
  // A set that grows while it is walked: what a step writes is visited too.
  for (const tensor of ready) {
    for (const step of consumers.get(tensor) ?? []) {
      const left = (missing.get(step) as number) - 1;
      missing.set(step, left);
      if (left > 0) continue;
      order.add(step);
      for (const output of step.outputs) ready.add(output.tensor);
    }
  }
  return [...order, ...steps.filter((step) => !order.has(step))];
}
