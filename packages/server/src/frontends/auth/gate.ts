import type { IncomingHttpHeaders } from 'node:http';
import type { ApiCategory } from '../wire/restrictions.ts';

/** Groups of routes that a token opens: those of `--http-restricted-api`, and the metrics page. */
export type GuardedApi = ApiCategory | 'metrics';

export const GUARDED_APIS: readonly GuardedApi[] = [
  'health',
  'metadata',
  'inference',
  'shared-memory',
  'model-config',
  'model-repository',
  'statistics',
  'trace',
  'logging',
  'metrics',
];

/** Why a request may not go on: who sends it is not known, or is known and may not. */
export interface Denial {
  readonly kind: 'unauthenticated' | 'forbidden';
  readonly message: string;
  /** `WWW-Authenticate` of the answer (RFC 6750). */
  readonly challenge: string;
}

/**
 * What every request of every front end passes before anything else of it is looked at: HTTP, SageMaker and metrics in their listener, gRPC
 * where a call starts.
 */
export interface RequestGate {
  /** Undefined: the request may go on. `api` is undefined for a path that leads nowhere. Header names are in lower case. */
  denial(headers: IncomingHttpHeaders, api: GuardedApi | undefined): Denial | undefined;
}
