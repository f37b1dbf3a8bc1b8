/** Bounds on what connections may hold and how long they may take. Each is checked before the resource is used. */
export interface GrpcLimits {
  /** One message, as its prefix announces it (Triton: 2^31 - 1). */
  readonly maxMessageBytes: number;
  /** What a compressed message unpacks to. */
  readonly maxUnpackedBytes: number;
  /** Messages of all connections together, while they arrive; beyond it calls end with RESOURCE_EXHAUSTED. */
  readonly maxBufferedBytes: number;
  readonly maxConnections: number;
  /** Open calls on one connection; clients queue the rest. */
  readonly maxConcurrentCalls: number;
  readonly maxHeaderBytes: number;
  /** Answers not yet taken by a client, and requests in flight, beyond which no more is read from its stream. */
  readonly maxUnsentBytes: number;
  readonly maxStreamRequests: number;
  /** From the connection to the client's first HTTP/2 settings. */
  readonly handshakeTimeoutMs: number;
}

export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  maxMessageBytes: 2 ** 31 - 1,
  maxUnpackedBytes: 512 * 1024 * 1024,
  maxBufferedBytes: 4 * 1024 * 1024 * 1024,
  maxConnections: 20_000,
  maxConcurrentCalls: 1_000,
  maxHeaderBytes: 16 * 1024,
  maxUnsentBytes: 16 * 1024 * 1024,
  maxStreamRequests: 1_000,
  handshakeTimeoutMs: 20_000,
};
