import type { Blob } from './blob-files.ts';
import type { ChecksumAlgorithm } from './checksums.ts';
import { s3Error } from './s3-errors.ts';
import { algorithmFrom, announcedChecksums, header, type S3Request } from './s3-request.ts';

const MAX_OBJECT_BYTES = 5 * 1024 ** 3;

/** What a PUT says about its body, and the check of what arrived against it. */
export interface UploadExpectation {
  readonly algorithms: ReadonlySet<ChecksumAlgorithm>;
  /** Throws BadDigest, IncompleteBody. */
  readonly verify: (blob: Blob) => void;
}

/** Reads Content-MD5, `x-amz-checksum-…`, `x-amz-trailer` and the length. Throws ServiceError before a byte of the body is read. */
export function uploadExpectation({ wire, headers }: S3Request): UploadExpectation {
  const bytes = wire.body.announcedBytes;
  if (bytes === undefined && headers['transfer-encoding'] === undefined) throw s3Error('MissingContentLength');
  if ((bytes ?? 0) > MAX_OBJECT_BYTES) {
    throw s3Error('EntityTooLarge', undefined, { MaxSizeAllowed: String(MAX_OBJECT_BYTES) });
  }
  const contentMd5 = header(headers, 'content-md5');
  const md5 = contentMd5 === undefined ? undefined : Buffer.from(contentMd5, 'base64');
  if (md5 && md5.length !== 16) throw s3Error('InvalidDigest');
  const announced = announcedChecksums({ get: (name) => header(headers, name) });
  const algorithms = new Set(Object.keys(announced) as ChecksumAlgorithm[]);
  const trailer = /x-amz-checksum-([a-z0-9]+)/i.exec(header(headers, 'x-amz-trailer') ?? '')?.[1];
  for (const name of [trailer, header(headers, 'x-amz-sdk-checksum-algorithm')]) {
    const algorithm = algorithmFrom(name);
    if (algorithm) algorithms.add(algorithm);
  }
  const verify = (blob: Blob): void => {
    if (bytes !== undefined && blob.sizeBytes !== bytes) throw s3Error('IncompleteBody');
    if (md5 && md5.toString('hex') !== blob.md5) throw s3Error('BadDigest');
    const trailing = announcedChecksums({ get: (name) => wire.body.trailers.get(name) });
    for (const [name, value] of Object.entries({ ...announced, ...trailing })) {
      if (blob.checksums[name as ChecksumAlgorithm] !== value) {
        throw s3Error('BadDigest', `The ${name.toUpperCase()} you specified did not match the calculated checksum.`);
      }
    }
  };
  return { algorithms, verify };
}
