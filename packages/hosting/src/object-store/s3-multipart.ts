import { CHECKSUM_ALGORITHMS, type Checksums } from './checksums.ts';
import type { ChecksumType, MultipartUploads, NamedPart, Part } from './multipart.ts';
import { s3Error } from './s3-errors.ts';
import { algorithmFrom, announcedChecksums, header, type S3Request } from './s3-request.ts';
import { asRecord, parseRequest, s3Document, type XmlTree } from './s3-xml.ts';

const MAX_COMPLETE_BYTES = 4 * 1024 * 1024;
const MAX_LISTED_PARTS = 1000;

const XML_NAMES = { crc32: 'CRC32', crc32c: 'CRC32C', crc64nvme: 'CRC64NVME', sha1: 'SHA1', sha256: 'SHA256' } as const;

/** Checksums as XML members, e.g. `ChecksumCRC32`. */
export function checksumMembers(checksums: Checksums): XmlTree {
  return Object.fromEntries(
    CHECKSUM_ALGORITHMS.map((algorithm) => [`Checksum${XML_NAMES[algorithm]}`, checksums[algorithm]]),
  );
}

function checksumType(text: string | undefined): ChecksumType | undefined {
  if (text === undefined || text === 'COMPOSITE' || text === 'FULL_OBJECT') return text;
  throw s3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.');
}

export function createUpload(
  uploads: MultipartUploads,
  { bucket, key, headers }: S3Request,
  stored: Readonly<Record<string, string>>,
): { body: string; headers: Record<string, string> } {
  const algorithm = algorithmFrom(header(headers, 'x-amz-checksum-algorithm'));
  const upload = uploads.create(bucket, key, stored, algorithm, checksumType(header(headers, 'x-amz-checksum-type')));
  const answer: Record<string, string> = {};
  if (algorithm) answer['x-amz-checksum-algorithm'] = algorithm.toUpperCase();
  if (upload.checksumType) answer['x-amz-checksum-type'] = upload.checksumType;
  const body = s3Document('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id });
  return { body, headers: answer };
}

function namedPart(value: unknown): NamedPart {
  const part = asRecord(value);
  const [number, etag] = [Number(part['PartNumber']), part['ETag']];
  if (!Number.isInteger(number) || typeof etag !== 'string') throw s3Error('MalformedXML');
  const checksums: Checksums = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const text = part[`Checksum${XML_NAMES[algorithm]}`];
    if (typeof text === 'string') checksums[algorithm] = text;
  }
  return { number, etag: etag.replaceAll('"', ''), checksums };
}

export async function completeUpload(uploads: MultipartUploads, request: S3Request, uploadId: string): Promise<string> {
  const upload = uploads.get(request.bucket, request.key, uploadId);
  const bytes = await request.wire.body.bytes(MAX_COMPLETE_BYTES, () => s3Error('MalformedXML'));
  const document = parseRequest(bytes.toString('utf8'), 'CompleteMultipartUpload');
  const parts = document['Part'];
  if (!Array.isArray(parts)) throw s3Error('MalformedXML');
  const announced = announcedChecksums({ get: (name) => header(request.headers, name) });
  const object = await uploads.complete(upload, parts.map(namedPart), announced);
  return s3Document('CompleteMultipartUploadResult', {
    Location: `http://${request.headers.host}${request.wire.rawPath}`,
    Bucket: request.bucket,
    Key: request.key,
    ETag: `"${object.etag}"`,
    ...checksumMembers(object.checksums),
    ChecksumType: upload.checksumType,
  });
}

function listedPart(part: Part): XmlTree {
  return {
    PartNumber: part.number,
    LastModified: new Date(part.modifiedMs).toISOString(),
    ETag: `"${part.etag}"`,
    Size: part.sizeBytes,
    ...checksumMembers(part.checksums),
  };
}

export function listParts(uploads: MultipartUploads, request: S3Request, uploadId: string, owner: XmlTree): string {
  const upload = uploads.get(request.bucket, request.key, uploadId);
  const marker = Number(request.query.get('part-number-marker') ?? 0);
  const limit = Math.min(Number(request.query.get('max-parts') ?? MAX_LISTED_PARTS), MAX_LISTED_PARTS);
  if (!Number.isInteger(marker) || !Number.isInteger(limit) || limit < 0) throw s3Error('InvalidArgument');
  const rest = uploads.parts(uploadId).filter((part) => part.number > marker);
  const page = rest.slice(0, limit);
  return s3Document('ListPartsResult', {
    Bucket: upload.bucket,
    Key: upload.key,
    UploadId: upload.id,
    Initiator: owner,
    Owner: owner,
    StorageClass: 'STANDARD',
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.number ?? marker,
    MaxParts: limit,
    IsTruncated: rest.length > page.length,
    ChecksumAlgorithm: upload.algorithm && XML_NAMES[upload.algorithm],
    ChecksumType: upload.checksumType,
    Part: page.map(listedPart),
  });
}

export function listUploads(uploads: MultipartUploads, request: S3Request): string {
  const prefix = request.query.get('prefix') ?? '';
  const found = uploads.list(request.bucket, prefix).slice(0, MAX_LISTED_PARTS);
  return s3Document('ListMultipartUploadsResult', {
    Bucket: request.bucket,
    KeyMarker: '',
    UploadIdMarker: '',
    Prefix: prefix,
    MaxUploads: MAX_LISTED_PARTS,
    IsTruncated: false,
    Upload: found.map((upload) => ({
      Key: upload.key,
      UploadId: upload.id,
      StorageClass: 'STANDARD',
      Initiated: new Date(upload.initiatedMs).toISOString(),
    })),
  });
}
