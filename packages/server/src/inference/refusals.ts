import { StatusError } from '@nereid/protocol';
import type { InferenceRequest, InferenceResponse, ParameterValue } from './request.ts';
import type { ScheduledRequest } from './scheduling.ts';

/** What Triton puts in front of most messages about a request. */
export function requestPrefix(request: InferenceRequest): string {
  return `[request id: ${request.id === '' ? '<id_unknown>' : request.id}] `;
}

export function stoppingError(request: InferenceRequest): StatusError {
  return StatusError.refusal(
    'UNAVAILABLE',
    `${requestPrefix(request)}Server is stopping, scheduler for model has stopped accepting new inference requests`,
  );
}

/** Triton answers a request that was cancelled in the queue with the code alone. */
export function cancelledError(): StatusError {
  return StatusError.refusal('CANCELLED', '');
}

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** The response that carries an error. */
export function errorResponse(scheduled: ScheduledRequest, error: StatusError): InferenceResponse {
  return {
    id: scheduled.request.id,
    modelName: scheduled.request.modelName,
    modelVersion: scheduled.modelVersion,
    parameters: NO_PARAMETERS,
    outputs: [],
    error,
  };
}
