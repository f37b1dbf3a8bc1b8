import { createHmac } from 'node:crypto';
import { AuthError } from './auth-error.ts';
import { queryPairs, type SignableRequest } from './canonical-request.ts';
import { sameSignature } from './signing-key.ts';

/** Query members that are part of what is signed (Amazon S3: "Signing and authenticating REST requests"). */
const SIGNED_MEMBERS = new Set([
  ...['acl', 'delete', 'lifecycle', 'location', 'logging', 'notification', 'partNumber', 'policy', 'requestPayment'],
  ...['tagging', 'torrent', 'uploadId', 'uploads', 'versionId', 'versioning', 'versions', 'website'],
  ...['response-cache-control', 'response-content-disposition', 'response-content-encoding'],
  ...['response-content-language', 'response-content-type', 'response-expires'],
]);

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your key and signing method.';

/** The members of a URL that was presigned with Signature Version 2, which boto3 still does for custom endpoints; undefined for any other request. */
export function presignedV2(request: SignableRequest): ReadonlyMap<string, string> | undefined {
  if (!request.rawQuery.includes('AWSAccessKeyId=')) return undefined;
  const query = new Map(queryPairs(request.rawQuery));
  return query.has('AWSAccessKeyId') && query.has('Signature') && query.has('Expires') ? query : undefined;
}

function stringToSign(request: SignableRequest, expires: string, bucketOfHost: string | undefined): string {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    headers.set((request.rawHeaders[at] ?? '').toLowerCase(), (request.rawHeaders[at + 1] ?? '').trim());
  }
  const amz = [...headers].filter(([name]) => name.startsWith('x-amz-')).sort(([a], [b]) => (a < b ? -1 : 1));
  const members = queryPairs(request.rawQuery)
    .filter(([name]) => SIGNED_MEMBERS.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const resource = `${bucketOfHost === undefined ? '' : `/${bucketOfHost}`}${request.rawPath}`;
  return [
    request.method,
    headers.get('content-md5') ?? '',
    headers.get('content-type') ?? '',
    expires,
    ...amz.map(([name, value]) => `${name}:${value}`),
    resource + (members.length > 0 ? `?${members.join('&')}` : ''),
  ].join('\n');
}

export interface PresignedV2Check {
  readonly secretOf: (accessKeyId: string) => string | undefined;
  readonly nowMs: number;
  /** The bucket that the Host header names, in virtual-host style. */
  readonly bucketOfHost: string | undefined;
}

/** Checks a URL presigned with Signature Version 2; the access key id. Throws AuthError. */
export function verifyPresignedV2(
  request: SignableRequest,
  query: ReadonlyMap<string, string>,
  check: PresignedV2Check,
): string {
  const accessKeyId = query.get('AWSAccessKeyId') ?? '';
  const secret = check.secretOf(accessKeyId);
  if (secret === undefined)
    throw new AuthError('unknown-key', 'The security token included in the request is invalid.');
  const expires = query.get('Expires') ?? '';
  const expected = createHmac('sha1', secret)
    .update(stringToSign(request, expires, check.bucketOfHost))
    .digest('base64');
  if (!sameSignature(expected, query.get('Signature') ?? '')) throw new AuthError('signature-mismatch', MISMATCH);
  if (!/^\d{1,12}$/.test(expires) || check.nowMs > Number(expires) * 1000) {
    throw new AuthError('expired', 'Request has expired');
  }
  return accessKeyId;
}
