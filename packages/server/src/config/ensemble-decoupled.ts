import type { EnsembleContext, EnsembleTensors } from './ensemble.ts';
import { type ConfigProblem, invalid } from './problem.ts';
import { buildDataFlow, type FlowStep } from './rules/ensemble-graph.ts';

/** Whether an ensemble answers more than once, or why that cannot work. */
export interface DecoupledFlow {
  readonly decoupled: boolean;
  readonly problem?: ConfigProblem;
}

/**
 * Follows responses through the ensemble. Every decoupled step starts a stream of responses of its own; what flows together again, at a step
 * or at the end, must come from one stream.
 */
export function decoupledFlow(context: EnsembleContext, tensors: EnsembleTensors): DecoupledFlow {
  const flow = buildDataFlow(context.config);
  const streams = new Map<string, number>(context.config.input.map((input) => [input.name, 0]));
  const waiting = flow.steps.map((step) => step.inputs.length);
  const queue = [...streams.keys()];
  let streamCount = 0;
  for (let tensor = queue.pop(); tensor !== undefined; tensor = queue.pop()) {
    for (const step of flow.tensors.get(tensor)?.consumers ?? []) {
      const left = (waiting[step.index] as number) - 1;
      waiting[step.index] = left;
      if (left > 0) continue;
      if (!isOneStream(step.inputs, streams)) return { decoupled: true, problem: joinProblem(context, step, tensors) };
      const isDecoupled = context.models[step.index]?.config.modelTransactionPolicy?.decoupled ?? false;
      const stream = isDecoupled ? ++streamCount : (streams.get(step.inputs[0] as string) as number);
      for (const output of step.outputs) {
        if (streams.has(output)) continue;
        streams.set(output, stream);
        queue.push(output);
      }
    }
  }
  const outputs = context.config.output.map((output) => output.name);
  if (outputs.every((output) => streams.has(output)) && !isOneStream(outputs, streams)) {
    return { decoupled: true, problem: invalid(joinMessage(context, context.id), 'output') };
  }
  return { decoupled: streamCount > 0 };
}

function isOneStream(names: readonly string[], streams: ReadonlyMap<string, number>): boolean {
  return new Set(names.map((name) => streams.get(name))).size <= 1;
}

/** The message names the model that said first what the step's output is: the ensemble itself for one of its own outputs. */
function joinProblem(context: EnsembleContext, step: FlowStep, tensors: EnsembleTensors): ConfigProblem {
  const model = tensors.get(step.outputs[0] ?? '')?.model ?? context.models[step.index]?.id ?? '';
  return invalid(joinMessage(context, model), 'ensemble_scheduling', 'step', step.index);
}

function joinMessage(context: EnsembleContext, model: string): string {
  return `in ensemble ${context.id}, step of model '${model}' receives inputs originated from different decoupled models`;
}
