/** Faults of the caller are answered with 4xx, the host's own with 5xx; the code is what the AWS SDKs show as `error.name` or `Error.Code`. */
export interface ServiceErrorOptions extends ErrorOptions {
  /** HTTP status; 400 unless given. */
  readonly httpStatus?: number;
  /** Further members of the error shape, such as `OriginalStatusCode`. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A failure that an AWS client sees: a code of the service's vocabulary, a message, an HTTP status. */
export class ServiceError extends Error {
  readonly code: string;
  readonly httpStatus: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: ServiceErrorOptions = {}) {
    super(message, options);
    this.name = 'ServiceError';
    this.code = code;
    this.httpStatus = options.httpStatus ?? 400;
    this.fields = options.fields ?? {};
  }
}

/** The control plane's answer to a request it cannot accept. */
export function validationException(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

/** The runtime's answer to a request it cannot accept (the runtime's model calls it `ValidationError`). */
export function validationError(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
