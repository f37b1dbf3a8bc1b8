/** Keep-alive of connections: Triton's `--grpc-keepalive-*` and `--grpc-http2-*` flags, times in milliseconds. */
export interface KeepAliveOptions {
  /** Time after which the server looks whether its client is still there; 2^31 - 1 is never. */
  readonly timeMs: number;
  /** How long the client has to answer. */
  readonly timeoutMs: number;
  /** Also while no call is open. */
  readonly permitWithoutCalls: boolean;
  /** Pings the server sends without sending data; 0 is no limit. */
  readonly maxPingsWithoutData: number;
  /** What has to lie between two pings of a client while the server sends no data. */
  readonly minReceivedPingIntervalMs: number;
  /** Pings that came too soon before the connection is closed; 0 is no limit. */
  readonly maxPingStrikes: number;
  /** 0: a connection may last for ever. */
  readonly maxConnectionAgeMs: number;
  /** For the calls of a connection that has come of age; 0: as long as they take. */
  readonly maxConnectionAgeGraceMs: number;
}

export const DEFAULT_KEEP_ALIVE: KeepAliveOptions = {
  timeMs: 7_200_000,
  timeoutMs: 20_000,
  permitWithoutCalls: false,
  maxPingsWithoutData: 2,
  minReceivedPingIntervalMs: 300_000,
  maxPingStrikes: 2,
  maxConnectionAgeMs: 0,
  maxConnectionAgeGraceMs: 0,
};

/** While no call is open, and pings are not permitted then, a client may send one in two hours. */
const IDLE_PING_INTERVAL_MS = 7_200_000;

/** Counts the pings of one connection, sent and received, as gRPC's C++ library does. */
export class PingPolicy {
  readonly #options: KeepAliveOptions;
  #strikes = 0;
  #lastReceivedMs = Number.NEGATIVE_INFINITY;
  #sentWithoutData = 0;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  /** The server sent headers or data. */
  dataSent(): void {
    this.#strikes = 0;
    this.#lastReceivedMs = Number.NEGATIVE_INFINITY;
    this.#sentWithoutData = 0;
  }

  /** A client's ping at `nowMs`; false when it is one too many. */
  received(nowMs: number, hasCalls: boolean): boolean {
    const { permitWithoutCalls, minReceivedPingIntervalMs, maxPingStrikes } = this.#options;
    const interval = hasCalls || permitWithoutCalls ? minReceivedPingIntervalMs : IDLE_PING_INTERVAL_MS;
    const tooSoon = nowMs < this.#lastReceivedMs + interval;
    this.#lastReceivedMs = nowMs;
    if (!tooSoon) return true;
    this.#strikes++;
    return maxPingStrikes === 0 || this.#strikes <= maxPingStrikes;
  }

  /** Whether the server may ping now; counts it when it may. */
  maySend(hasCalls: boolean): boolean {
    const { permitWithoutCalls, maxPingsWithoutData } = this.#options;
    if (!hasCalls && !permitWithoutCalls) return false;
    if (maxPingsWithoutData > 0 && this.#sentWithoutData >= maxPingsWithoutData) return false;
    this.#sentWithoutData++;
    return true;
  }
}
