import { StatusError } from '@nereid/protocol';
import type { WireRequest } from '../wire/direct-exchange.ts';
import { parseInt32 } from '../wire/integer.ts';

/** Carries the length of the JSON in front of binary tensors, both ways. */
export const HEADER_LENGTH = 'Inference-Header-Content-Length';
const HEADER_LENGTH_KEY = HEADER_LENGTH.toLowerCase();

/**
 * Length of the JSON in a body of `bodyBytes`, which is all of it when the request does not say. Throws StatusError INVALID_ARG with Triton's
 * texts.
 */
export function jsonLength(req: WireRequest, bodyBytes: number): number {
  const text = req.headers[HEADER_LENGTH_KEY];
  if (typeof text !== 'string') return bodyBytes;
  const length = parseInt32(text);
  if (length === 'invalid') throw invalid(`Unable to parse ${HEADER_LENGTH}, got: ${text}`);
  if (length === 'range') {
    throw invalid(`Unable to parse ${HEADER_LENGTH}, value is out of range [ -2147483648, 2147483647 ], got: ${text}`);
  }
  if (length < 0 || length > bodyBytes) {
    throw invalid(`inference header size should be in range (0, ${bodyBytes}), got: ${text}`);
  }
  return length;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
