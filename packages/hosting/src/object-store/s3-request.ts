import type { IncomingHttpHeaders } from 'node:http';
import { queryPairs, uriDecode } from '../frontend/sigv4/index.ts';
import type { WireRequest } from '../frontend/wire.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, type Checksums, isChecksumAlgorithm } from './checksums.ts';
import type { ObjectHeaders } from './object-store.ts';
import { s3Error } from './s3-errors.ts';

/** An S3 request as its parts: which bucket, which key, which sub-resource. */
export interface S3Request {
  readonly wire: WireRequest;
  readonly method: string;
  /** Empty for the service itself (ListBuckets). */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
}

/** Path style `/bucket/key`, or virtual-host style where the Host header is `bucket.<one of the domains>`. Throws InvalidURI. */
export function parseS3Request(wire: WireRequest, domains: readonly string[]): S3Request {
  const hostBucket = bucketOfHost(wire.headers.host ?? '', domains);
  const path = wire.rawPath.slice(1);
  const slash = path.indexOf('/');
  const rawBucket = hostBucket ?? (slash < 0 ? path : path.slice(0, slash));
  const rawKey = hostBucket === undefined ? (slash < 0 ? '' : path.slice(slash + 1)) : path;
  const [bucket, key] = [uriDecode(rawBucket), uriDecode(rawKey)];
  if (bucket === undefined || key === undefined)
    throw s3Error('InvalidURI', undefined, { URI: wire.rawPath.slice(0, 256) });
  return { wire, method: wire.method, bucket, key, query: new Map(queryPairs(wire.rawQuery)), headers: wire.headers };
}

/** The bucket of a virtual-host style Host header; `domains` are the names that buckets stand before, longest first. */
export function bucketOfHost(host: string, domains: readonly string[]): string | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  for (const domain of domains) {
    if (name.length > domain.length + 1 && name.endsWith(`.${domain}`)) return name.slice(0, -domain.length - 1);
  }
  return undefined;
}

const STORED_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-website-redirect-location',
];
const MAX_METADATA_BYTES = 2048;

/** The headers that S3 keeps with an object. Throws when the user metadata is larger than S3 takes. */
export function storedHeaders(headers: IncomingHttpHeaders): ObjectHeaders {
  const kept: Record<string, string> = {};
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue;
    if (name.startsWith('x-amz-meta-')) {
      metadataBytes += name.length - 'x-amz-meta-'.length + value.length;
      kept[name] = value;
    } else if (STORED_HEADERS.includes(name)) kept[name] = value;
  }
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw s3Error('InvalidArgument', 'Your metadata headers exceed the maximum allowed metadata size');
  }
  const encoding = kept['content-encoding']
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked' && part !== '');
  if (encoding) {
    if (encoding.length > 0) kept['content-encoding'] = encoding.join(',');
    else delete kept['content-encoding'];
  }
  return kept;
}

export function algorithmFrom(name: string | undefined): ChecksumAlgorithm | undefined {
  if (name === undefined) return undefined;
  const lower = name.toLowerCase();
  if (!isChecksumAlgorithm(lower)) {
    throw s3Error(
      'InvalidRequest',
      `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]`,
    );
  }
  return lower;
}

/** Checksums that a request (or its trailer) announces, by algorithm. */
export function announcedChecksums(headers: { get(name: string): string | undefined }): Checksums {
  const found: Checksums = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = headers.get(`x-amz-checksum-${algorithm}`);
    if (value !== undefined) found[algorithm] = value;
  }
  return found;
}

export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
