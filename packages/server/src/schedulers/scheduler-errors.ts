import { StatusError } from '@nereid/protocol';
import { type InferenceRequest, requestPrefix } from '../inference/index.ts';

export function queueFullError(request: InferenceRequest): StatusError {
  return new StatusError('UNAVAILABLE', `${requestPrefix(request)}Exceeds maximum queue size`);
}

export function timeoutError(): StatusError {
  return new StatusError('UNAVAILABLE', 'Request timeout expired');
}
