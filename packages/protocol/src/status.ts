/** Triton's neutral status codes (`TRITONSERVER_Error_Code`). HTTP and gRPC each map them by a table of their own. */
export type StatusCode =
  | 'UNKNOWN'
  | 'INTERNAL'
  | 'NOT_FOUND'
  | 'INVALID_ARG'
  | 'UNAVAILABLE'
  | 'UNSUPPORTED'
  | 'ALREADY_EXISTS'
  | 'CANCELLED';

const CODE_NAMES: Readonly<Record<StatusCode, string>> = {
  UNKNOWN: 'Unknown',
  INTERNAL: 'Internal',
  NOT_FOUND: 'Not found',
  INVALID_ARG: 'Invalid argument',
  UNAVAILABLE: 'Unavailable',
  UNSUPPORTED: 'Unsupported',
  ALREADY_EXISTS: 'Already exists',
  CANCELLED: 'Cancelled',
};

/** A code as Triton prints it in front of a message: `Invalid argument`. */
export function statusCodeName(code: StatusCode): string {
  return CODE_NAMES[code];
}

/** A failure a client may see. `message` is Triton's text where Triton has one: clients match on it. */
export class StatusError extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StatusError';
    this.code = code;
  }

  /**
   * A refusal: made by the thousand under overload, and where in the code it was made tells nothing. Without a stack trace it costs a tenth.
   */
  static refusal(code: StatusCode, message: string): StatusError {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return new StatusError(code, message);
    } finally {
      Error.stackTraceLimit = limit;
    }
  }

  /** Turns anything thrown into a StatusError; what is not one already becomes INTERNAL with its message. */
  static from(error: unknown): StatusError {
    if (error instanceof StatusError) return error;
    return new StatusError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
