import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { s3Error } from './s3-errors.ts';
import { header, type S3Request } from './s3-request.ts';

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** `bytes=a-b`, `bytes=a-`, `bytes=-n`; undefined for the whole object (also when the header is not understood, as RFC 9110 says). Throws InvalidRange. */
export function parseRange(text: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text?.trim() ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (!match || (from === '' && to === '')) return undefined;
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined;
  const start = from === '' ? Math.max(sizeBytes - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (start > end || (from === '' && Number(to) === 0)) {
    throw s3Error('InvalidRange', undefined, { RangeRequested: text ?? '', ActualObjectSize: String(sizeBytes) });
  }
  return { start, end };
}

function matches(list: string, etag: string): boolean {
  return list
    .split(',')
    .some((item) => item.trim() === '*' || item.trim().replace(/^W\//, '').replaceAll('"', '') === etag);
}

/** True when the object is the one the client already has (304). Throws PreconditionFailed. */
export function checkConditions(headers: IncomingHttpHeaders, object: StoredObject, prefix = ''): boolean {
  const [ifMatch, ifNoneMatch] = [header(headers, `${prefix}if-match`), header(headers, `${prefix}if-none-match`)];
  const modifiedS = Math.floor(object.modifiedMs / 1000);
  const seconds = (name: string): number => Math.floor(Date.parse(header(headers, `${prefix}${name}`) ?? '') / 1000);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) throw s3Error('PreconditionFailed', undefined, { Condition: 'If-Match' });
  } else if (modifiedS > seconds('if-unmodified-since')) {
    throw s3Error('PreconditionFailed', undefined, { Condition: 'If-Unmodified-Since' });
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, object.etag);
  return modifiedS <= seconds('if-modified-since');
}

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

function responseHeaders(
  { headers, query }: S3Request,
  object: StoredObject,
  partial: boolean,
): Record<string, string> {
  const out: Record<string, string> = {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
  };
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    // Line breaks would fail in node:http; refused here with S3's own code.
    if (value !== undefined && /[^\t\x20-\x7e\x80-\xff]/.test(value)) throw s3Error('InvalidArgument');
    if (value !== undefined) out[name] = value;
  }
  if (header(headers, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && !partial) {
    for (const [algorithm, value] of Object.entries(object.checksums)) {
      out[`x-amz-checksum-${algorithm}`] = value;
      out['x-amz-checksum-type'] = value.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT';
    }
  }
  return out;
}

/** Answers GetObject and HeadObject. */
export async function sendObject(store: ObjectStore, request: S3Request, response: ServerResponse): Promise<void> {
  const object = store.head(request.bucket, request.key);
  const notModified = checkConditions(request.headers, object);
  const range = parseRange(header(request.headers, 'range'), object.sizeBytes);
  const headers = responseHeaders(request, object, range !== undefined);
  if (notModified) {
    response.writeHead(304, { etag: headers['etag'], 'last-modified': headers['last-modified'] }).end();
    return;
  }
  if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${object.sizeBytes}`;
  const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
  response.writeHead(range ? 206 : 200, { ...headers, 'content-length': end - start + 1 });
  if (request.method === 'HEAD' || end < start) response.end();
  else await pipeline(store.read(object, start, end), response);
}
