import type { IncomingHttpHeaders } from 'node:http';

/** The head of a request that can be taken without `node:http`. */
export interface DirectHead {
  /** As sent, escapes included. There is no query. */
  readonly rawPath: string;
  /** By lower-case names; each occurs once. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turns, as sent. */
  readonly rawHeaders: readonly string[];
  readonly bodyBytes: number;
  /** Bytes of the head, the empty line included. */
  readonly headBytes: number;
}

const PREFIX = 'POST /endpoints/';
const HEAD_END = '\r\n\r\n';
const REQUEST_LINE = /^POST (\/endpoints\/[!-.0-9:;<=>@-~]+\/invocations) HTTP\/1\.1$/;
/** Of a signature for this service. */
const SCOPE_END = '/sagemaker/aws4_request';
const NAME = /^[A-Za-z0-9-]+$/;
const LENGTH = /^\d{1,9}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in a head, line ends that are not CR LF among it
const UNUSUAL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
/** Headers that change how a request is read, or who is to read it. */
const SPECIAL = ['transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'http2-settings', 'x-amz-target'];
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_HEADERS = 64;

/**
 * Reads the head of an InvokeEndpoint request, if it is there in one piece and as plain as SDKs write it: HTTP/1.1, no query, every header once, a
 * Content-Length of at most `maxBodyBytes`. undefined for everything else, hostile or only unusual, which is left to `node:http`: what this
 * function does not know it does not interpret.
 */
export function readDirectHead(data: Buffer, maxBodyBytes: number): DirectHead | undefined {
  if (data.toString('latin1', 0, PREFIX.length) !== PREFIX) return undefined;
  const end = data.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return undefined;
  const text = data.toString('latin1', 0, end);
  if (UNUSUAL.test(text)) return undefined;
  const lines = text.split('\r\n');
  const rawPath = REQUEST_LINE.exec(lines[0] ?? '')?.[1];
  if (rawPath === undefined || lines.length > MAX_HEADERS) return undefined;
  const rawHeaders: string[] = [];
  const headers: IncomingHttpHeaders = {};
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const key = name.toLowerCase();
    if (!NAME.test(name) || Object.hasOwn(headers, key)) return undefined;
    const value = line.slice(colon + 1).trim();
    headers[key] = value;
    rawHeaders.push(name, value);
  }
  const length = headers['content-length'] ?? '';
  if (!LENGTH.test(length) || Number(length) > maxBodyBytes || !isPlain(headers)) return undefined;
  return { rawPath, headers, rawHeaders, bodyBytes: Number(length), headBytes: end + HEAD_END.length };
}

function isPlain(headers: IncomingHttpHeaders): boolean {
  if (headers.host === undefined || SPECIAL.some((name) => Object.hasOwn(headers, name))) return false;
  const { connection, authorization } = headers;
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return false;
  if (authorization !== undefined && !authorization.includes(SCOPE_END)) return false;
  const payload = headers['x-amz-content-sha256'];
  return typeof payload !== 'string' || !payload.startsWith('STREAMING-');
}
