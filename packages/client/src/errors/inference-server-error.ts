import type { StatusCode } from '@nereid/protocol';

/**
 * What went wrong, whatever the protocol: Triton's status codes, what proxies and gateways in front of a server add, and two of the client's
 * own. `CONNECTION_FAILED`: no answer came. `INVALID_RESPONSE`: an answer came that is none.
 */
export type ErrorCode =
  | StatusCode
  | 'DEADLINE_EXCEEDED'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'RESOURCE_EXHAUSTED'
  | 'CONNECTION_FAILED'
  | 'INVALID_RESPONSE';

export interface InferenceServerErrorOptions extends ErrorOptions {
  readonly status?: number | undefined;
  readonly notSent?: boolean | undefined;
}

/** The only error the clients throw. */
export class InferenceServerError extends Error {
  /** What went wrong; the same for HTTP and gRPC. */
  readonly code: ErrorCode;
  /** HTTP status or gRPC status number of the server's answer; undefined when it gave none. */
  readonly status: number | undefined;
  /** True when the request surely never left this machine: sending it again cannot run it twice. */
  readonly notSent: boolean;

  /** `message` is the server's text, unchanged, when the server gave one. */
  constructor(code: ErrorCode, message: string, options: InferenceServerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'InferenceServerError';
    this.code = code;
    this.status = options.status;
    this.notSent = options.notSent ?? false;
  }
}

/** A mistake in what the caller passed, found before anything was sent. */
export function invalidArgument(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message, { notSent: true });
}

/** An answer that cannot be what it claims to be. */
export function invalidResponse(message: string, options: InferenceServerErrorOptions = {}): InferenceServerError {
  return new InferenceServerError('INVALID_RESPONSE', message, options);
}
