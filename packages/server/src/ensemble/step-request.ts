import type { Tensor } from '@nereid/protocol';
import type { InferenceRequest, ModelSignature, ScheduledRequest } from '../inference/index.ts';
import type { StepRecorder } from '../observability/index.ts';
import { bridgeShape } from './bridge-shape.ts';
import type { Frame, SequencePosition } from './frame.ts';
import { type ItemLayout, itemLayout } from './items.ts';
import type { MapInput } from './mapped-call.ts';
import type { GraphStep } from './step-graph.ts';
import type { StepModel } from './step-model.ts';

/** The inputs of a step under its model's names, and the position in a sequence that the steps before it left there. */
export function gatherStep(
  step: GraphStep,
  signature: ModelSignature,
  frame: Frame,
): { readonly inputs: readonly Tensor[]; readonly position: SequencePosition | undefined } {
  const batches = signature.maxBatchSize > 0;
  const inputs: Tensor[] = [];
  let position: SequencePosition | undefined;
  for (const { name, tensor } of step.inputs) {
    position ??= frame.position(tensor);
    const value = frame.value(tensor);
    if (value === null) continue;
    const index = signature.inputIndex.get(name);
    const dims = index === undefined ? [] : signature.inputs[index]!.dims;
    inputs.push(renamed(value, name, bridgeShape(dims, batches, frame.batchSize(tensor), value.shape)));
  }
  return { inputs, position };
}

/**
 * The inputs of a step that maps, and how their items lie. Call only when one of the mapped tensors is there.
 * @throws StatusError INVALID_ARG for a shape that has no items
 */
export function gatherItems(
  step: GraphStep,
  signature: ModelSignature,
  frame: Frame,
): {
  readonly inputs: readonly MapInput[];
  readonly layout: ItemLayout;
  readonly position: SequencePosition | undefined;
} {
  const inputs: MapInput[] = [];
  let layout: ItemLayout | undefined;
  let position: SequencePosition | undefined;
  for (const { name, tensor } of step.inputs) {
    position ??= frame.position(tensor);
    const value = frame.value(tensor);
    if (value === null) continue;
    const mapped = step.options!.map.includes(tensor);
    const input = renamed(value, name, value.shape);
    if (mapped) layout ??= itemLayout(input, signature.inputs[signature.inputIndex.get(name)!]!.dims.length);
    inputs.push({ tensor: input, mapped });
  }
  return { inputs, layout: layout!, position };
}

/** What a step's model is asked: its own tensors, the rest as the ensemble was asked. */
export function makeStepRequest(
  { request, computeTimes }: ScheduledRequest,
  model: StepModel,
  recorder: StepRecorder,
  inputs: readonly Tensor[],
  requestedOutputs: readonly string[],
  position: SequencePosition,
): InferenceRequest {
  return {
    id: request.id,
    modelName: model.name,
    modelVersion: model.version,
    inputs,
    requestedOutputs,
    parameters: request.parameters,
    correlationId: position.correlationId,
    sequenceStart: position.start,
    sequenceEnd: position.end,
    priority: request.priority,
    timeoutMicros: request.timeoutMicros,
    cancellation: request.cancellation,
    receivedNs: request.receivedNs,
    trace: request.trace?.child(recorder.step),
    account: recorder.account(computeTimes),
  };
}

/** The same bytes under another name; the tensor itself where nothing changes. */
export function renamed(tensor: Tensor, name: string, shape: readonly number[]): Tensor {
  if (tensor.name === name && tensor.shape === shape) return tensor;
  return { name, dataType: tensor.dataType, shape, data: tensor.data, bytesExtent: tensor.bytesExtent };
}
