import type { ModelConfig } from '@nereid/protocol/model-config';
import { invalid, type Problems } from '../problem.ts';
import type { DataFlow, FlowStep } from './ensemble-graph.ts';

/** Every input is used, every output is written, and no tensor is left over. A cycle leaves its outputs unwritten. */
export function* dataFlowProblems(config: ModelConfig, flow: DataFlow): Problems {
  const name = config.name;
  for (const [index, input] of config.input.entries()) {
    if (flow.tensors.has(input.name)) continue;
    // The apostrophe after the name is Triton's.
    yield invalid(`ensemble input '${input.name}' for ensemble ${name}' is not used`, 'input', index);
  }
  const ready = readyTensors(config, flow);
  const outputs = new Set<string>();
  for (const [index, output] of config.output.entries()) {
    if (!flow.tensors.has(output.name)) {
      yield invalid(`ensemble output '${output.name}' for ensemble ${name}' is not used`, 'output', index);
      continue;
    }
    outputs.add(output.name);
    if (ready.has(output.name)) continue;
    const source = missingSource(output.name, flow, ready);
    const depends = `: at least one of its depending tensors, '${source}', is not connected`;
    const message = `output '${output.name}' for ensemble '${name}' is not written`;
    yield invalid(source === output.name ? message : message + depends, 'output', index);
  }
  for (const [tensor, { consumers, producer }] of flow.tensors) {
    if (outputs.has(tensor) || (ready.has(tensor) && consumers.length > 0)) continue;
    const message = `ensemble tensor '${tensor}' is unused in ensemble '${name}'`;
    yield invalid(message, 'ensemble_scheduling', 'step', (producer ?? consumers[0])?.index ?? 0);
  }
}

/** The tensors that the ensemble's inputs lead to. */
function readyTensors(config: ModelConfig, flow: DataFlow): ReadonlySet<string> {
  const ready = new Set<string>();
  const waiting = flow.steps.map((step) => step.inputs.length);
  const queue: string[] = [];
  const add = (tensor: string) => {
    if (ready.has(tensor)) return;
    ready.add(tensor);
    queue.push(tensor);
  };
  for (const input of config.input) {
    if (flow.tensors.has(input.name)) add(input.name);
  }
  for (let tensor = queue.pop(); tensor !== undefined; tensor = queue.pop()) {
    for (const step of flow.tensors.get(tensor)?.consumers ?? []) {
      const left = (waiting[step.index] as number) - 1;
      waiting[step.index] = left;
      if (left === 0) for (const output of step.outputs) add(output);
    }
  }
  return ready;
}

/** Follows what is missing upwards, through each tensor once. Returns the last tensor found, `output` itself when nothing above is missing. */
function missingSource(output: string, flow: DataFlow, ready: ReadonlySet<string>): string {
  const seen = new Set<string>();
  const nextInput = new Map<FlowStep, number>();
  let last = output;
  for (;;) {
    const step = flow.tensors.get(last)?.producer;
    if (!step) return last;
    let position = nextInput.get(step) ?? 0;
    while (position < step.inputs.length) {
      const input = step.inputs[position] as string;
      if (!ready.has(input) && !seen.has(input)) break;
      position += 1;
    }
    nextInput.set(step, position);
    if (position === step.inputs.length) return last;
    last = step.inputs[position] as string;
    seen.add(last);
  }
}
