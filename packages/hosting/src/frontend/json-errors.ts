import type { ServerResponse } from 'node:http';
import type { DirectAnswer } from '@nereid/http';
import { ServiceError } from '../errors.ts';
import { AuthError, ChunkFormatError } from './sigv4/index.ts';

const AUTH_CODES: Readonly<Record<AuthError['failure'], readonly [string, number]>> = {
  'missing-token': ['MissingAuthenticationTokenException', 403],
  'incomplete-signature': ['IncompleteSignatureException', 403],
  'unknown-key': ['UnrecognizedClientException', 403],
  'signature-mismatch': ['InvalidSignatureException', 403],
  'payload-mismatch': ['InvalidSignatureException', 403],
  'clock-skew': ['InvalidSignatureException', 403],
  expired: ['InvalidSignatureException', 403],
  'headers-not-signed': ['InvalidSignatureException', 403],
};

/** Whatever was thrown as a failure of an AWS service with JSON errors; what is not meant for clients becomes InternalFailure. */
export function jsonFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof AuthError) {
    const [code, httpStatus] = AUTH_CODES[error.failure];
    return new ServiceError(code, error.message, { httpStatus, cause: error });
  }
  if (error instanceof ChunkFormatError) return new ServiceError('SerializationException', error.message);
  return new ServiceError('InternalFailure', 'The request processing has failed because of an unknown error.', {
    httpStatus: 500,
    cause: error,
  });
}

/**
 * An error as an AWS service with JSON errors answers it: botocore reads the code from `__type`, other SDKs from the header; both spellings of the
 * message are in use.
 */
export function jsonErrorAnswer(
  failure: ServiceError,
  messageMember: 'message' | 'Message',
): DirectAnswer & { readonly body: Buffer } {
  const body = JSON.stringify({ __type: failure.code, [messageMember]: failure.message, ...failure.fields });
  return {
    status: failure.httpStatus,
    headers: [
      'content-type',
      messageMember === 'message' ? 'application/x-amz-json-1.1' : 'application/json',
      'x-amzn-errortype',
      failure.code,
    ],
    body: Buffer.from(body),
  };
}

export function sendJsonError(
  response: ServerResponse,
  failure: ServiceError,
  messageMember: 'message' | 'Message',
): void {
  const { status, headers, body } = jsonErrorAnswer(failure, messageMember);
  response.writeHead(status, [...headers, 'content-length', String(body.length)]);
  response.end(body);
}
