import { type StatusCode, StatusError } from '@nereid/protocol';

/** gRPC's status codes that the server answers with. */
export const GRPC_STATUS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatusCode = (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS];

/** How a call ends. */
export interface GrpcStatus {
  readonly code: GrpcStatusCode;
  readonly message: string;
}

export const OK: GrpcStatus = { code: GRPC_STATUS.OK, message: '' };

/** Triton's mapping of neutral codes. */
const CODES: Readonly<Record<StatusCode, GrpcStatusCode>> = {
  UNKNOWN: GRPC_STATUS.UNKNOWN,
  INTERNAL: GRPC_STATUS.INTERNAL,
  NOT_FOUND: GRPC_STATUS.NOT_FOUND,
  INVALID_ARG: GRPC_STATUS.INVALID_ARGUMENT,
  UNAVAILABLE: GRPC_STATUS.UNAVAILABLE,
  UNSUPPORTED: GRPC_STATUS.UNIMPLEMENTED,
  ALREADY_EXISTS: GRPC_STATUS.ALREADY_EXISTS,
  CANCELLED: GRPC_STATUS.CANCELLED,
};

/** A failure that has no neutral code, such as a message over the limit. */
export class GrpcError extends Error {
  readonly status: GrpcStatus;

  constructor(code: GrpcStatusCode, message: string) {
    super(message);
    this.name = 'GrpcError';
    this.status = { code, message };
  }
}

/** The status that anything thrown comes to. */
export function grpcStatus(error: unknown): GrpcStatus {
  if (error instanceof GrpcError) return error.status;
  const { code, message } = StatusError.from(error);
  return { code: CODES[code], message };
}

/** Longest message that goes into a header: peers take 8 KiB of headers at least. */
const MAX_MESSAGE_BYTES = 4096;
/** A space at either end is encoded too: HTTP/2 forbids it there, and peers drop such headers. */
const PLAIN = /^(?! )[\x20-\x24\x26-\x7e]*(?<! )$/;

/** A status message as `grpc-message` carries it: UTF-8, everything but printable ASCII (and the percent sign) percent-encoded. */
export function encodeStatusMessage(message: string): string {
  if (message.length <= MAX_MESSAGE_BYTES && PLAIN.test(message)) return message;
  let encoded = '';
  const bytes = Buffer.from(message);
  for (const [index, byte] of bytes.entries()) {
    if (encoded.length >= MAX_MESSAGE_BYTES) break;
    const atEnd = index === 0 || index === bytes.length - 1;
    if (byte >= (atEnd ? 0x21 : 0x20) && byte <= 0x7e && byte !== 0x25) encoded += String.fromCharCode(byte);
    else encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
