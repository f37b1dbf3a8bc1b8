import { StatusError } from '@nereid/protocol';
import { type InferenceRequest, requestPrefix } from '../inference/index.ts';

export function queueFullError(request: InferenceRequest): StatusError {
  return StatusError.refusal('UNAVAILABLE', `${requestPrefix(request)}Exceeds maximum queue size`);
}

export function timeoutError(): StatusError {
  return StatusError.refusal('UNAVAILABLE', 'Request timeout expired');
}
