import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { WireRequest, WireResponse } from './direct-exchange.ts';
import { sendErrorText } from './reply.ts';

/** Groups of routes that can be guarded (`--http-restricted-api`). */
export type ApiCategory =
  | 'health'
  | 'metadata'
  | 'inference'
  | 'shared-memory'
  | 'model-config'
  | 'model-repository'
  | 'statistics'
  | 'trace'
  | 'logging';

/** Category -> the header a request needs and its value. */
export type Restrictions = ReadonlyMap<ApiCategory, { readonly header: string; readonly value: string }>;

export const NO_RESTRICTIONS: Restrictions = new Map();

/** The header that a request of `category` needs and does not have; undefined when it may go on. */
export function missingHeader(
  restrictions: Restrictions,
  category: ApiCategory,
  headers: IncomingHttpHeaders,
): string | undefined {
  if (restrictions.size === 0) return undefined;
  const restriction = restrictions.get(category);
  if (restriction === undefined) return undefined;
  const given = headers[restriction.header.toLowerCase()];
  if (typeof given === 'string' && equalSecrets(given, restriction.value)) return undefined;
  return restriction.header;
}

/** Answers 403 and returns true when the request lacks the header its category needs. */
export function refusedByRestriction(
  restrictions: Restrictions,
  category: ApiCategory,
  req: WireRequest,
  res: WireResponse,
): boolean {
  const header = missingHeader(restrictions, category, req.headers);
  if (header === undefined) return false;
  sendErrorText(res, 403, `This API is restricted, expecting header '${header}'`);
  return true;
}

/** Comparison whose time says nothing about where two values differ. */
function equalSecrets(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
