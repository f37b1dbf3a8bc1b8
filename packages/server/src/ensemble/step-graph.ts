import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { type StepOptions, stepOptions } from '../config/index.ts';
import type { ModelSignature } from '../inference/index.ts';

/** One side of a step's map: the name the step's model uses, and the ensemble tensor. */
export interface TensorBinding {
  readonly name: string;
  /** Index into `StepGraph.tensorNames`. */
  readonly tensor: number;
}

export interface GraphStep {
  readonly index: number;
  /** '' without namespacing. */
  readonly namespace: string;
  readonly modelName: string;
  /** As configured; -1 is the highest ready version at the time of the request. */
  readonly modelVersion: number;
  readonly inputs: readonly TensorBinding[];
  readonly outputs: readonly TensorBinding[];
  /** Tensors it waits for, each once: its inputs and the one that says whether it runs. */
  readonly reads: readonly number[];
  /** Options beyond Triton; undefined for a step without one. */
  readonly options: GraphStepOptions | undefined;
}

/** `StepOptions` with numbers in place of names. */
export interface GraphStepOptions {
  readonly skipIfAbsent: readonly number[];
  readonly runIf: { readonly tensor: number; readonly negated: boolean } | undefined;
  /** Tensors of which the step gets one item at a time; empty for a step that runs once. */
  readonly map: readonly number[];
}

/** An ensemble's steps and the tensors between them, with numbers in place of names. Made once per load. */
export interface StepGraph {
  readonly ensembleName: string;
  readonly tensorNames: readonly string[];
  readonly steps: readonly GraphStep[];
  /** Whether a step may be skipped. */
  readonly isConditional: boolean;
  /** The step that writes a tensor; -1 for the ensemble's inputs. */
  readonly producers: readonly number[];
  /** Steps that read a tensor, each once. */
  readonly consumers: readonly (readonly number[])[];
  /** Tensor of each input of the ensemble, in the configuration's order. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Dims of each output as steps produce it. */
  readonly outputDims: readonly (readonly number[])[];
}

/**
 * Compiles `ensemble_scheduling`.
 * @throws StatusError INVALID_ARG when the configuration is not an ensemble's or two steps write one tensor
 */
export function compileStepGraph(config: ModelConfig, signature: ModelSignature): StepGraph {
  const scheduling = config.schedulingChoice;
  if (scheduling.case !== 'ensembleScheduling') {
    throw new StatusError(
      'INVALID_ARG',
      `ensemble scheduling must be set for ensemble ${config.name} whose platform is ensemble`,
    );
  }
  const tensorNames: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number => {
    let number = numbers.get(name);
    if (number === undefined) {
      number = tensorNames.push(name) - 1;
      numbers.set(name, number);
    }
    return number;
  };
  const bind = (map: { readonly [name: string]: string }): TensorBinding[] =>
    Object.entries(map).map(([name, tensor]) => ({ name, tensor: numberOf(tensor) }));
  const inputs = signature.inputs.map(({ name }) => numberOf(name));
  const outputs = signature.outputs.map(({ name }) => numberOf(name));
  const graphOptions = ({ skipIfAbsent, runIf, map }: StepOptions): GraphStepOptions | undefined => {
    if (skipIfAbsent.length === 0 && runIf === undefined && map.length === 0) return undefined;
    return {
      skipIfAbsent: skipIfAbsent.map(numberOf),
      runIf: runIf && { tensor: numberOf(runIf.tensor), negated: runIf.negated },
      map: map.map(numberOf),
    };
  };
  const optionsByStep = stepOptions(config);
  const steps = scheduling.value.step.map((step, index) => {
    const stepInputs = bind(step.inputMap);
    const options = graphOptions(optionsByStep[index]!);
    const condition = options?.runIf === undefined ? [] : [options.runIf.tensor];
    return {
      index,
      namespace: step.modelNamespace,
      modelName: step.modelName,
      modelVersion: Number(step.modelVersion),
      inputs: stepInputs,
      outputs: bind(step.outputMap),
      reads: [...new Set([...stepInputs.map(({ tensor }) => tensor), ...condition])],
      options,
    };
  });
  return {
    ensembleName: config.name,
    tensorNames,
    steps,
    isConditional: steps.some(({ options }) => options !== undefined),
    producers: producersOf(config.name, tensorNames, steps),
    consumers: consumersOf(tensorNames.length, steps),
    inputs,
    outputs,
    outputDims: signature.outputs.map((output) => output.reshape ?? output.dims),
  };
}

function producersOf(ensembleName: string, tensorNames: readonly string[], steps: readonly GraphStep[]): number[] {
  const producers = new Array<number>(tensorNames.length).fill(-1);
  for (const step of steps) {
    for (const { tensor } of step.outputs) {
      if (producers[tensor] !== -1) {
        throw new StatusError(
          'INVALID_ARG',
          `ensemble tensor '${tensorNames[tensor]}' can appear in an output map only once for ensemble '${ensembleName}' step ${step.index}`,
        );
      }
      producers[tensor] = step.index;
    }
  }
  return producers;
}

function consumersOf(tensorCount: number, steps: readonly GraphStep[]): number[][] {
  const consumers = Array.from({ length: tensorCount }, (): number[] => []);
  for (const step of steps) {
    for (const tensor of step.reads) consumers[tensor]!.push(step.index);
  }
  return consumers;
}
