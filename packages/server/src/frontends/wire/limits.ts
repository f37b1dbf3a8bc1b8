/** Bounds on what connections may hold and how long they may take. Each is checked before the resource is used. */
export interface HttpLimits {
  /** `--http-max-input-size`: a JSON body, each tensor inside it, a raw input, and what a compressed body unpacks to. */
  readonly maxInputBytes: number;
  /** A whole body, binary tensors included (Triton counts in 32 bits). */
  readonly maxBodyBytes: number;
  /** Bodies of all connections together, while they arrive; beyond it new ones are refused with 503. */
  readonly maxBufferedBytes: number;
  /** Small pieces a chunked body may come in. */
  readonly maxChunks: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxInputBytes: 64 * 1024 * 1024,
  maxBodyBytes: 2 ** 31 - 1,
  maxBufferedBytes: 4 * 1024 * 1024 * 1024,
  maxChunks: 65_536,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 20_000,
  headersTimeoutMs: 60_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 75_000,
};
