import { InferenceServerError, invalidResponse } from '../errors/index.ts';

/** Failures to reach the server: no byte of the request was sent. Node's names; browsers do not tell. */
const NOT_SENT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Answers that are no HTTP or not what their Content-Encoding says: parser, header limits, zlib. */
const MALFORMED_CODE = /^(HPE_|Z_|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RESPONSE|ERR_BUFFER_TOO_LARGE$)/;
const MAX_CAUSES = 8;

/** What a transport's own error means to the caller. */
export function connectionFailure(error: unknown, url: string): InferenceServerError {
  if (error instanceof InferenceServerError) return error;
  const { code, message } = rootCause(error);
  const origin = new URL(url).origin;
  const what = code === undefined || message.includes(code) ? message : `${code}: ${message}`;
  if (code !== undefined && MALFORMED_CODE.test(code)) {
    return invalidResponse(`${origin} sent a broken answer: ${what}`, { cause: error });
  }
  const notSent = code !== undefined && NOT_SENT_CODES.has(code);
  const text = notSent ? `no connection to ${origin}: ${what}` : `connection to ${origin} failed: ${what}`;
  return new InferenceServerError('CONNECTION_FAILED', text, { cause: error, notSent });
}

/** The innermost error: `fetch` wraps it, and trying several addresses of a host makes a list of them. */
function rootCause(error: unknown): { readonly code: string | undefined; readonly message: string } {
  let code: string | undefined;
  let message = String(error);
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    code = codeOf(current) ?? code;
    message = current.message || message;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return { code, message };
}

/** Node's code of an error; a parser error of Node's fetch may have none. */
function codeOf(error: Error): string | undefined {
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return code;
  return error.name === 'HTTPParserError' ? 'HPE_' : undefined;
}
