import { StatusError, type Tensor } from '@nereid/protocol';
import type { ModelSignature } from '../inference/index.ts';
import type { Frame } from './frame.ts';
import type { GraphStep, StepGraph } from './step-graph.ts';

/**
 * Whether a step is skipped in this iteration: because of an option of its own, or because its model needs a tensor of a step that was.
 * @throws StatusError INVALID_ARG for a condition that says both yes and no
 */
export function isSkipped(graph: StepGraph, step: GraphStep, signature: ModelSignature, frame: Frame): boolean {
  const { options } = step;
  if (options !== undefined) {
    for (const tensor of options.skipIfAbsent) if (frame.value(tensor) === null) return true;
    if (options.runIf !== undefined) {
      const { tensor, negated } = options.runIf;
      if (readFlag(frame.value(tensor), () => `tensor '${graph.tensorNames[tensor]}'`) === negated) return true;
    }
    if (options.map.length > 0 && options.map.every((tensor) => frame.value(tensor) === null)) return true;
  }
  for (const { name, tensor } of step.inputs) {
    if (!frame.isSkipped(tensor)) continue;
    const index = signature.inputIndex.get(name);
    if (index !== undefined && !signature.inputs[index]!.optional) return true;
  }
  return false;
}

/** The value of all elements of a BOOL tensor, which must agree; an absent or empty one is false. */
function readFlag(tensor: Tensor | null, subject: () => string): boolean {
  if (tensor === null || tensor.data.byteLength === 0) return false;
  const flag = tensor.data[0] !== 0;
  for (const value of tensor.data) {
    if ((value !== 0) === flag) continue;
    throw new StatusError(
      'INVALID_ARG',
      `${subject()} decides whether a step runs and must say the same for the whole batch; send the items as requests of their own`,
    );
  }
  return flag;
}
