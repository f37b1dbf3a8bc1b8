import { StatusError } from '@nereid/protocol';
import type { WireResponse } from '../wire/direct-exchange.ts';
import { sendError, sendErrorText } from '../wire/reply.ts';

export function notFound(res: WireResponse): void {
  sendErrorText(res, 404, 'Not Found');
}

/** A body in a coding the server does not read; the answer names those it does. */
export function unsupportedCoding(res: WireResponse): void {
  sendError(res, new StatusError('UNSUPPORTED', 'Unsupported compression type'), ['Accept-Encoding', 'gzip, deflate']);
}
