import type { Tensor } from '@nereid/protocol';
import type { InferenceResponse, ParameterValue, ScheduledRequest } from '../inference/index.ts';
import { bridgeShape } from './bridge-shape.ts';
import type { Frame, SequencePosition } from './frame.ts';
import { sequenceParameters } from './sequence-position.ts';
import type { StepGraph } from './step-graph.ts';
import { renamed } from './step-request.ts';

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** What an ensemble answers when an iteration is complete; tensors that are absent are left out. */
export function ensembleResponse(
  { graph, batches }: { readonly graph: StepGraph; readonly batches: boolean },
  { request, requestedOutputs, modelVersion }: ScheduledRequest,
  frame: Frame,
): InferenceResponse {
  const outputs: Tensor[] = [];
  let position: SequencePosition | undefined;
  let parameterRepeats = 0;
  for (const output of requestedOutputs) {
    const tensor = graph.outputs[output]!;
    const value = frame.value(tensor);
    if (value === null) continue;
    const shape = bridgeShape(graph.outputDims[output]!, batches, frame.batchSize(tensor), value.shape);
    outputs.push(renamed(value, graph.tensorNames[tensor]!, shape));
    const written = frame.position(tensor);
    if (written === undefined) continue;
    position = written;
    parameterRepeats++;
  }
  const parameters = position === undefined ? NO_PARAMETERS : sequenceParameters(position);
  return { id: request.id, modelName: graph.ensembleName, modelVersion, parameters, outputs, parameterRepeats };
}
