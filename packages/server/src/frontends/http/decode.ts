import { type Coding, requestCoding } from '../wire/content-coding.ts';
import type { WireRequest } from '../wire/direct-exchange.ts';

export { jsonLength } from './headers.ts';

/** Coding of a request's body; undefined for one that is not supported. */
export function bodyCoding(req: WireRequest): Coding | undefined {
  return requestCoding(req.headers['content-encoding']);
}
