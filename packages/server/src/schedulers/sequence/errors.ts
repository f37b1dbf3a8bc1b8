import { StatusError } from '@nereid/protocol';
import type { CorrelationId } from '../../inference/index.ts';

export function batchSizeError(modelName: string): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `inference request to model '${modelName}' must specify batch-size 1 due to requirements of sequence batcher`,
  );
}

export function missingIdError(modelName: string): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `inference request to model '${modelName}' must specify a non-zero or non-empty correlation ID`,
  );
}

export function missingStartError(modelName: string, id: CorrelationId): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `inference request for sequence ${id} to model '${modelName}' must specify the START flag on the first request of the sequence`,
  );
}

export function backlogTimeoutError(): StatusError {
  return new StatusError('UNAVAILABLE', 'timeout of the corresponding sequence has been expired');
}

/** Unlike the other schedulers' without the request's id. */
export function sequenceStoppingError(): StatusError {
  return new StatusError(
    'UNAVAILABLE',
    'Server is stopping, scheduler for model has stopped accepting new inference requests',
  );
}
