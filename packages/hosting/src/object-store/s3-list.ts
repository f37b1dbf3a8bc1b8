import type { Database } from '../store/index.ts';
import { type ListedObject, type Listing, listObjects } from './listing.ts';
import { s3Error } from './s3-errors.ts';
import type { S3Request } from './s3-request.ts';
import { listedName, s3Document, type XmlTree } from './s3-xml.ts';

const MAX_KEYS = 1000;

function maxKeys(query: ReadonlyMap<string, string>): number {
  const text = query.get('max-keys');
  if (text === undefined || text === '') return MAX_KEYS;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2_147_483_647) {
    throw s3Error('InvalidArgument', 'Provided max-keys not an integer or within integer range', {
      ArgumentName: 'max-keys',
      ArgumentValue: text.slice(0, 64),
    });
  }
  return Number(text);
}

function encodingType(query: ReadonlyMap<string, string>): string | undefined {
  const type = query.get('encoding-type');
  if (type !== undefined && type !== 'url')
    throw s3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
  return type;
}

function contents(
  objects: readonly ListedObject[],
  encoding: string | undefined,
  owner: XmlTree | undefined,
): XmlTree[] {
  return objects.map((object) => ({
    Key: listedName(object.key, encoding),
    LastModified: new Date(object.modifiedMs).toISOString(),
    ETag: `"${object.etag}"`,
    ChecksumAlgorithm: object.algorithms.map((name) => name.toUpperCase()),
    Size: object.sizeBytes,
    Owner: owner,
    StorageClass: 'STANDARD',
  }));
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('k:')) throw s3Error('InvalidArgument', 'The continuation token provided is incorrect');
  return text.slice(2);
}

function encodeToken(last: string): string {
  return Buffer.from(`k:${last}`, 'utf8').toString('base64url');
}

function list(database: Database, request: S3Request, after: string): Listing {
  return listObjects(database, {
    bucket: request.bucket,
    prefix: request.query.get('prefix') ?? '',
    delimiter: request.query.get('delimiter') ?? '',
    after,
    maxKeys: Math.min(maxKeys(request.query), MAX_KEYS),
  });
}

function common(
  request: S3Request,
  listing: Listing,
  encoding: string | undefined,
  owner: XmlTree | undefined,
): XmlTree {
  const { query } = request;
  const delimiter = query.get('delimiter');
  return {
    Name: request.bucket,
    Prefix: listedName(query.get('prefix') ?? '', encoding),
    Delimiter: delimiter ? listedName(delimiter, encoding) : undefined,
    MaxKeys: maxKeys(query),
    EncodingType: encoding,
    IsTruncated: listing.isTruncated,
    Contents: contents(listing.objects, encoding, owner),
    CommonPrefixes: listing.commonPrefixes.map((prefix) => ({ Prefix: listedName(prefix, encoding) })),
  };
}

/** ListObjectsV2. */
export function listV2(database: Database, request: S3Request, owner: XmlTree): string {
  const { query } = request;
  const encoding = encodingType(query);
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  const listing = list(database, request, token === undefined ? (startAfter ?? '') : decodeToken(token));
  return s3Document('ListBucketResult', {
    ...common(request, listing, encoding, query.get('fetch-owner') === 'true' ? owner : undefined),
    KeyCount: listing.objects.length + listing.commonPrefixes.length,
    StartAfter: startAfter === undefined ? undefined : listedName(startAfter, encoding),
    ContinuationToken: token,
    NextContinuationToken: listing.last === undefined ? undefined : encodeToken(listing.last),
  });
}

/** ListObjects, the first version: pages by `marker`. */
export function listV1(database: Database, request: S3Request, owner: XmlTree): string {
  const encoding = encodingType(request.query);
  const marker = request.query.get('marker') ?? '';
  const listing = list(database, request, marker);
  const rolledUp = (request.query.get('delimiter') ?? '') !== '';
  return s3Document('ListBucketResult', {
    ...common(request, listing, encoding, owner),
    Marker: listedName(marker, encoding),
    NextMarker: listing.last === undefined || !rolledUp ? undefined : listedName(listing.last, encoding),
  });
}
