import { queryPairs, uriDecode } from '../frontend/sigv4/index.ts';
import type { MultipartUploads } from './multipart.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { checkConditions, parseRange } from './s3-download.ts';
import { s3Error } from './s3-errors.ts';
import { checksumMembers } from './s3-multipart.ts';
import { header, type S3Request, storedHeaders } from './s3-request.ts';
import { s3Document } from './s3-xml.ts';

function copySource(store: ObjectStore, request: S3Request): StoredObject {
  const source = header(request.headers, 'x-amz-copy-source') ?? '';
  const [path = '', query = ''] = source.split('?', 2);
  const decoded = uriDecode(path.startsWith('/') ? path.slice(1) : path);
  const slash = decoded?.indexOf('/') ?? -1;
  if (decoded === undefined || slash < 1 || slash === decoded.length - 1) {
    throw s3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey');
  }
  if (queryPairs(query).some(([name, value]) => name === 'versionId' && value !== 'null'))
    throw s3Error('NotImplemented');
  const object = store.head(decoded.slice(0, slash), decoded.slice(slash + 1));
  if (checkConditions(request.headers, object, 'x-amz-copy-source-')) throw s3Error('PreconditionFailed');
  return object;
}

/** CopyObject. */
export async function copyObject(store: ObjectStore, request: S3Request): Promise<string> {
  const source = copySource(store, request);
  const replace = header(request.headers, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE';
  if (!replace && source.bucket === request.bucket && source.key === request.key) {
    throw s3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const headers = replace ? storedHeaders(request.headers) : source.headers;
  const copy = await store.copy(source, request.bucket, request.key, headers);
  return s3Document('CopyObjectResult', {
    LastModified: new Date(copy.modifiedMs).toISOString(),
    ETag: `"${copy.etag}"`,
    ...checksumMembers(copy.checksums),
  });
}

/** UploadPartCopy. */
export async function copyPart(
  store: ObjectStore,
  uploads: MultipartUploads,
  request: S3Request,
  uploadId: string,
): Promise<string> {
  const upload = uploads.get(request.bucket, request.key, uploadId);
  const source = copySource(store, request);
  const range = parseRange(header(request.headers, 'x-amz-copy-source-range'), source.sizeBytes);
  const body = store.read(source, range?.start, range?.end);
  const part = await uploads.putPart(upload, Number(request.query.get('partNumber')), body, [], () => undefined);
  return s3Document('CopyPartResult', {
    LastModified: new Date(part.modifiedMs).toISOString(),
    ETag: `"${part.etag}"`,
    ...checksumMembers(part.checksums),
  });
}
