import type { IncomingMessage } from 'node:http';
import { type Coding, requestCoding } from '../wire/content-coding.ts';

export { jsonLength } from './headers.ts';

/** Coding of a request's body; undefined for one that is not supported. */
export function bodyCoding(req: IncomingMessage): Coding | undefined {
  return requestCoding(req.headers['content-encoding']);
}
