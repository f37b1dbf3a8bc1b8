import type { ModelConfig, ModelEnsembling_Step } from '@nereid/protocol/model-config';
import { invalid, type Problems } from '../problem.ts';
import { stepOptions } from '../step-options.ts';

/** A step of an ensemble as the data flow sees it. Names are ensemble tensors. */
export interface FlowStep {
  readonly index: number;
  /** What it waits for, each once: its inputs and the tensor that says whether it runs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Which step writes and which steps read each tensor, in the order in which the configuration first names it. */
export interface DataFlow {
  readonly steps: readonly FlowStep[];
  readonly tensors: ReadonlyMap<string, FlowTensor>;
}

export interface FlowTensor {
  readonly producer: FlowStep | undefined;
  readonly consumers: readonly FlowStep[];
}

/** What each step must have, and that no tensor is written twice. */
export function* stepProblems(steps: readonly ModelEnsembling_Step[], ensembleName: string): Problems {
  const written = new Set<string>();
  for (const [index, step] of steps.entries()) {
    const path = ['ensemble_scheduling', 'step', index] as const;
    const place = `in step ${index} of ensemble '${ensembleName}'`;
    if (step.modelName === '') yield invalid(`must specify 'model_name' ${place}`, ...path);
    if (isEmpty(step.inputMap)) yield invalid(`must specify 'input_map' ${place}`, ...path);
    if (isEmpty(step.outputMap)) yield invalid(`must specify 'output_map' ${place}`, ...path);
    for (const [key, tensor] of Object.entries(step.outputMap)) {
      if (written.has(tensor)) {
        const rule = `can appear in an output map only once for ensemble '${ensembleName}' step ${index}`;
        yield invalid(`ensemble tensor '${tensor}' ${rule}`, ...path, 'output_map', { key });
      }
      written.add(tensor);
    }
  }
}

function isEmpty(map: Readonly<Record<string, string>>): boolean {
  return Object.keys(map).length === 0;
}

/** Of an ensemble whose steps have no problems. */
export function buildDataFlow(config: ModelConfig): DataFlow {
  const steps = config.schedulingChoice.case === 'ensembleScheduling' ? config.schedulingChoice.value.step : [];
  const options = stepOptions(config);
  const tensors = new Map<string, { producer: FlowStep | undefined; consumers: FlowStep[] }>();
  const tensor = (name: string) => {
    let entry = tensors.get(name);
    if (!entry) {
      entry = { producer: undefined, consumers: [] };
      tensors.set(name, entry);
    }
    return entry;
  };
  const flowSteps = steps.map((step, index) => {
    const condition = options[index]?.runIf;
    const inputs = [
      ...new Set([...Object.values(step.inputMap), ...(condition === undefined ? [] : [condition.tensor])]),
    ];
    const flowStep = { index, inputs, outputs: Object.values(step.outputMap) };
    for (const name of flowStep.outputs) tensor(name).producer = flowStep;
    for (const name of inputs) tensor(name).consumers.push(flowStep);
    return flowStep;
  });
  return { steps: flowSteps, tensors };
}
