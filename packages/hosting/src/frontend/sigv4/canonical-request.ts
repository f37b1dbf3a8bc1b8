import { hash } from 'node:crypto';
import { uriDecode, uriEncode, uriEncodePath } from './uri-encoding.ts';

/** What SigV4 looks at in an HTTP request; everything as it came over the wire. */
export interface SignableRequest {
  readonly method: string;
  /** Path as sent, escapes included, without the query. */
  readonly rawPath: string;
  /** Query as sent, without `?`; empty when there is none. */
  readonly rawQuery: string;
  /** Names and values in turns, as `IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** S3 signs the path escaped once and never changes it; every other service signs it normalised and escaped twice. */
export function canonicalPath(rawPath: string, service: string): string {
  if (service === 's3') {
    return rawPath
      .split('/')
      .map((segment) => uriEncode(uriDecode(segment) ?? segment))
      .join('/');
  }
  if (!rawPath.includes('//') && !rawPath.includes('/.')) return uriEncodePath(rawPath);
  const kept: string[] = [];
  for (const segment of rawPath.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const trailing = rawPath.endsWith('/') && kept.length > 0 ? '/' : '';
  return uriEncodePath(`/${kept.join('/')}${trailing}`);
}

/** Name and value pairs of a query, decoded where the escapes are sound. */
export function queryPairs(rawQuery: string): [string, string][] {
  if (rawQuery === '') return [];
  return rawQuery
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      const name = at < 0 ? part : part.slice(0, at);
      const value = at < 0 ? '' : part.slice(at + 1);
      return [uriDecode(name) ?? name, uriDecode(value) ?? value];
    });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Pairs escaped and sorted by name, then value; `X-Amz-Signature` cannot sign itself. */
export function canonicalQuery(rawQuery: string): string {
  if (rawQuery === '') return '';
  return queryPairs(rawQuery)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [uriEncode(name), uriEncode(value)])
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function headerText(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replace(/ {2,}/g, ' ') : trimmed;
}

/** The signed headers in the order of their list, values trimmed and repeated ones joined by commas. */
export function canonicalHeaders(rawHeaders: readonly string[], signedHeaders: readonly string[]): string {
  const values = new Map<string, string | undefined>();
  for (const name of signedHeaders) values.set(name, undefined);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (!values.has(name)) continue;
    const [earlier, value] = [values.get(name), headerText(rawHeaders[at + 1] ?? '')];
    values.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  let text = '';
  for (const name of signedHeaders) text += `${name}:${values.get(name) ?? ''}\n`;
  return text;
}

/** The canonical request up to the payload hash, which comes last and may be known only after the body. */
export function canonicalRequestHead(
  request: SignableRequest,
  service: string,
  signedHeaders: readonly string[],
): string {
  return [
    request.method,
    canonicalPath(request.rawPath, service),
    canonicalQuery(request.rawQuery),
    canonicalHeaders(request.rawHeaders, signedHeaders),
    signedHeaders.join(';'),
    '',
  ].join('\n');
}
