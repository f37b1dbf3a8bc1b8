import { type ErrorCode, InferenceServerError } from '../errors/index.ts';
import { parseJson } from './json.ts';
import { readBody } from './read-body.ts';
import type { HttpResponse } from './transport.ts';

/** Largest error body that is read. */
const MAX_ERROR_BYTES = 1 << 20;
const decoder = new TextDecoder();

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARG',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNSUPPORTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'ALREADY_EXISTS',
  413: 'RESOURCE_EXHAUSTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNSUPPORTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  507: 'RESOURCE_EXHAUSTED',
};

/** The code of an HTTP status that is no success. */
export function codeOfStatus(status: number): ErrorCode {
  return CODES[status] ?? 'UNKNOWN';
}

/** What a server says with a status other than 200: the text of `{"error": …}`, else the body, else the status. */
export async function serverError(response: HttpResponse): Promise<InferenceServerError> {
  const { status } = response;
  const body = await readBody(response, { maxBytes: MAX_ERROR_BYTES });
  const text = decoder.decode(body).trim();
  const message = errorText(body) ?? errorText(firstEvent(text)) ?? (text === '' ? statusText(status) : text);
  return new InferenceServerError(codeOfStatus(status), message, { status });
}

/** The text of `{"error": …}`; undefined when the body is something else. */
export function errorText(body: Uint8Array): string | undefined {
  try {
    const value = parseJson(body, 'error') as { readonly error?: unknown } | null;
    return typeof value?.error === 'string' ? value.error : undefined;
  } catch {
    return undefined;
  }
}

/** A stream that fails at once has its error in an event. */
function firstEvent(text: string): Uint8Array {
  const data = text.startsWith('data:') ? text.slice(5).split('\n', 1)[0]! : '';
  return new TextEncoder().encode(data);
}

function statusText(status: number): string {
  return status === 0 || (status >= 300 && status < 400)
    ? 'the server redirects; redirects are not followed'
    : `the server answered HTTP ${status} without a message`;
}
