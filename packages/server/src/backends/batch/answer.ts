import { StatusError, type Tensor } from '@nereid/protocol';
import {
  type ExecutionBatch,
  errorResponse,
  type InferenceResponse,
  type ParameterValue,
  type ScheduledRequest,
} from '../../inference/index.ts';
import type { OutputPart } from './scatter.ts';

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** The response that carries a result. */
export function resultResponse(request: ScheduledRequest, outputs: readonly Tensor[]): InferenceResponse {
  return {
    id: request.request.id,
    modelName: request.request.modelName,
    modelVersion: request.modelVersion,
    parameters: NO_PARAMETERS,
    outputs,
  };
}

/** Answers every request of a batch with an error. */
export function answerWithError(batch: ExecutionBatch, error: StatusError): void {
  for (const request of batch.requests) request.respond(errorResponse(request, error), true);
}

/**
 * Answers every request of a batch with its outputs. `parts` is indexed like `ModelSignature.outputs`, and in it like the requests; an output
 * nobody asked for, or the model did not produce, is undefined. A part that is an error fails its request alone.
 */
export function answerWithOutputs(batch: ExecutionBatch, parts: readonly (readonly OutputPart[] | undefined)[]): void {
  for (let index = 0; index < batch.requests.length; index++) {
    const request = batch.requests[index]!;
    const outputs: Tensor[] = [];
    let error: StatusError | undefined;
    for (const output of request.requestedOutputs) {
      const part = parts[output]?.[index];
      if (part instanceof StatusError) error ??= part;
      else if (part !== undefined) outputs.push(part);
    }
    request.respond(error === undefined ? resultResponse(request, outputs) : errorResponse(request, error), true);
  }
}
