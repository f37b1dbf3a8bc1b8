import type { ServerResponse } from 'node:http';
import { StatusError } from '@nereid/protocol';
import { sendError, sendErrorText } from '../wire/reply.ts';

export function notFound(res: ServerResponse): void {
  sendErrorText(res, 404, 'Not Found');
}

/** A body in a coding the server does not read; the answer names those it does. */
export function unsupportedCoding(res: ServerResponse): void {
  sendError(res, new StatusError('UNSUPPORTED', 'Unsupported compression type'), ['Accept-Encoding', 'gzip, deflate']);
}
