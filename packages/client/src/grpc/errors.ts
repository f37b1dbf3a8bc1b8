import { type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, InferenceServerError } from '../errors/index.ts';

const CODES: Readonly<Record<number, ErrorCode>> = {
  [status.CANCELLED]: 'CANCELLED',
  [status.INVALID_ARGUMENT]: 'INVALID_ARG',
  [status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.ALREADY_EXISTS]: 'ALREADY_EXISTS',
  [status.PERMISSION_DENIED]: 'PERMISSION_DENIED',
  [status.RESOURCE_EXHAUSTED]: 'RESOURCE_EXHAUSTED',
  [status.FAILED_PRECONDITION]: 'INVALID_ARG',
  [status.OUT_OF_RANGE]: 'INVALID_ARG',
  [status.UNIMPLEMENTED]: 'UNSUPPORTED',
  [status.INTERNAL]: 'INTERNAL',
  [status.UNAVAILABLE]: 'UNAVAILABLE',
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
};

/** How grpc-js says that it had no connection to send on. */
const NOT_SENT = /^(No connection established|Name resolution failed)/;
/** How it says that the connection broke while it waited. */
const BROKEN = /^(Connection dropped|.*\bECONNRESET\b|.*\bEPIPE\b|.*\bsocket hang up\b)/;

/** A failed call of grpc-js as the clients' error. */
export function grpcFailure(error: unknown): InferenceServerError {
  if (error instanceof InferenceServerError) return error;
  if (!isServiceError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return new InferenceServerError('UNKNOWN', message, { cause: error });
  }
  const { code, details } = error;
  if (code === status.UNAVAILABLE && (NOT_SENT.test(details) || BROKEN.test(details))) {
    return new InferenceServerError('CONNECTION_FAILED', details, { cause: error, notSent: NOT_SENT.test(details) });
  }
  return new InferenceServerError(CODES[code] ?? 'UNKNOWN', details, { status: code, cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}
