import { GRPC_STATUS, GrpcError } from './status.ts';

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds of a `grpc-timeout` header: up to eight digits and a unit. Undefined: none given. Throws GrpcError INTERNAL for other text. */
export function parseTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  if (match === null) throw new GrpcError(GRPC_STATUS.INTERNAL, `Invalid grpc-timeout: ${header.slice(0, 40)}`);
  return Math.min(Math.ceil(Number(match[1]) * UNIT_MS[match[2]!]!), MAX_TIMER_MS);
}
