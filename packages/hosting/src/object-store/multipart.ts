import { createHash, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { ServiceError } from '../errors.ts';
import type { Database } from '../store/index.ts';
import type { Blob } from './blob-files.ts';
import {
  type ChecksumAlgorithm,
  type Checksums,
  compositeChecksum,
  createDigest,
  isChecksumAlgorithm,
} from './checksums.ts';
import { assertKey } from './names.ts';
import type { ObjectHeaders, ObjectStore, StoredObject } from './object-store.ts';
import { s3Error } from './s3-errors.ts';

export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiatedMs: number;
  readonly headers: ObjectHeaders;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
}

export interface Part {
  readonly number: number;
  readonly file: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly checksums: Checksums;
}

/** A part as the client names it when it completes an upload. */
export interface NamedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: Checksums;
}

interface UploadRow {
  id: string;
  bucket: string;
  key: string;
  initiated_ms: number;
  headers: string;
  checksum_algorithm: ChecksumAlgorithm | null;
  checksum_type: ChecksumType | null;
}

interface PartRow {
  number: number;
  file: string;
  size: number;
  etag: string;
  modified_ms: number;
  checksums: string;
}

const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PARTS = 10_000;

function uploadFrom(row: UploadRow): Upload {
  return {
    id: row.id,
    bucket: row.bucket,
    key: row.key,
    initiatedMs: row.initiated_ms,
    headers: JSON.parse(row.headers) as ObjectHeaders,
    algorithm: row.checksum_algorithm ?? undefined,
    checksumType: row.checksum_type ?? undefined,
  };
}

function partFrom(row: PartRow): Part {
  return {
    number: row.number,
    file: row.file,
    sizeBytes: row.size,
    etag: row.etag,
    modifiedMs: row.modified_ms,
    checksums: JSON.parse(row.checksums) as Checksums,
  };
}

/** Multipart uploads: parts are files of their own and become the segments of the object. Throws ServiceError with S3's codes. */
export class MultipartUploads {
  readonly #database: Database;
  readonly #store: ObjectStore;
  readonly #now: () => number;

  constructor(database: Database, store: ObjectStore, now: () => number) {
    this.#database = database;
    this.#store = store;
    this.#now = now;
  }

  create(
    bucket: string,
    key: string,
    headers: ObjectHeaders,
    algorithm: ChecksumAlgorithm | undefined,
    type: ChecksumType | undefined,
  ): Upload {
    this.#store.assertBucket(bucket);
    assertKey(key);
    const fallback = algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE';
    const checksumType = algorithm && (type ?? fallback);
    if (checksumType === 'FULL_OBJECT' && (algorithm === 'sha1' || algorithm === 'sha256')) {
      throw s3Error(
        'InvalidRequest',
        `The FULL_OBJECT checksum type cannot be used with the ${algorithm} checksum algorithm.`,
      );
    }
    const upload = { id: randomUUID(), bucket, key, initiatedMs: this.#now(), headers, algorithm, checksumType };
    this.#database.run(
      'INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?)',
      upload.id,
      bucket,
      key,
      upload.initiatedMs,
      JSON.stringify(headers),
      algorithm ?? null,
      checksumType ?? null,
    );
    return upload;
  }

  /** Throws NoSuchUpload. */
  get(bucket: string, key: string, id: string): Upload {
    const row = this.#database.get<UploadRow>('SELECT * FROM uploads WHERE id = ?', id);
    if (row?.bucket !== bucket || row.key !== key)
      throw s3Error('NoSuchUpload', undefined, { UploadId: id.slice(0, 128) });
    return uploadFrom(row);
  }

  list(bucket: string, prefix: string): Upload[] {
    this.#store.assertBucket(bucket);
    return this.#database
      .all<UploadRow>('SELECT * FROM uploads WHERE bucket = ? ORDER BY key, initiated_ms', bucket)
      .map(uploadFrom)
      .filter((upload) => upload.key.startsWith(prefix));
  }

  parts(uploadId: string): Part[] {
    return this.#database
      .all<PartRow>('SELECT * FROM parts WHERE upload_id = ? ORDER BY number', uploadId)
      .map(partFrom);
  }

  async putPart(
    upload: Upload,
    number: number,
    body: Readable,
    algorithms: Iterable<ChecksumAlgorithm>,
    verify: (blob: Blob) => void,
  ): Promise<Part> {
    if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
      throw s3Error('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`);
    }
    const wanted = new Set(algorithms);
    if (upload.algorithm) wanted.add(upload.algorithm);
    const blob = await this.#store.files.write(body, wanted);
    try {
      verify(blob);
      // The upload may have been aborted while the part was on its way.
      this.get(upload.bucket, upload.key, upload.id);
    } catch (error) {
      await this.#store.files.remove([blob.file]);
      throw error;
    }
    const modifiedMs = this.#now();
    const replaced = this.#database.transaction(() => {
      const old = this.#database.all<{ file: string }>(
        'SELECT file FROM parts WHERE upload_id = ? AND number = ?',
        upload.id,
        number,
      );
      this.#database.run(
        'INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)',
        upload.id,
        number,
        blob.file,
        blob.sizeBytes,
        blob.md5,
        modifiedMs,
        JSON.stringify(blob.checksums),
      );
      return old.map((row) => row.file);
    });
    await this.#store.files.remove(replaced);
    return {
      number,
      file: blob.file,
      sizeBytes: blob.sizeBytes,
      etag: blob.md5,
      modifiedMs,
      checksums: blob.checksums,
    };
  }

  /** Puts the named parts together. `announced` are checksums of the whole object that the client gave, checked where they are full-object ones. */
  async complete(upload: Upload, named: readonly NamedPart[], announced: Checksums = {}): Promise<StoredObject> {
    const parts = this.#chosen(upload, named);
    const checksums = await this.#wholeChecksum(upload, parts);
    for (const [algorithm, value] of Object.entries(announced)) {
      const own = isChecksumAlgorithm(algorithm) ? checksums[algorithm] : undefined;
      if (own !== undefined && own !== value) throw s3Error('BadDigest');
    }
    const md5 = createHash('md5');
    for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'));
    const chosen = new Set(parts.map((part) => part.file));
    const dropped = this.parts(upload.id).filter((part) => !chosen.has(part.file));
    const object = this.#store.commit(
      {
        bucket: upload.bucket,
        key: upload.key,
        etag: `${md5.digest('hex')}-${parts.length}`,
        headers: upload.headers,
        checksums,
        segments: parts,
      },
      () => {
        // Of two completions at the same time only one finds the upload.
        this.get(upload.bucket, upload.key, upload.id);
        const present = new Set(this.parts(upload.id).map((part) => part.file));
        if (parts.some((part) => !present.has(part.file))) throw s3Error('InvalidPart');
        this.#deleteRows(upload.id);
      },
    );
    await this.#store.files.remove(dropped.map((part) => part.file));
    return object;
  }

  async abort(upload: Upload): Promise<void> {
    const files = this.parts(upload.id).map((part) => part.file);
    this.#database.transaction(() => this.#deleteRows(upload.id));
    await this.#store.files.remove(files);
  }

  #chosen(upload: Upload, named: readonly NamedPart[]): Part[] {
    if (named.length === 0 || named.length > MAX_PARTS) throw s3Error('MalformedXML');
    const isAscending = named.every((part, index) => index === 0 || part.number > (named[index - 1]?.number ?? 0));
    if (!isAscending) throw s3Error('InvalidPartOrder');
    const known = new Map(this.parts(upload.id).map((part) => [part.number, part]));
    return named.map(({ number, etag, checksums }, index) => {
      const part = known.get(number);
      const invalid = s3Error('InvalidPart', undefined, { UploadId: upload.id, PartNumber: String(number) });
      if (part?.etag !== etag) throw invalid;
      for (const [algorithm, value] of Object.entries(checksums)) {
        const own = isChecksumAlgorithm(algorithm) ? part.checksums[algorithm] : undefined;
        if (own !== undefined && own !== value) throw invalid;
      }
      if (index < named.length - 1 && part.sizeBytes < MIN_PART_BYTES) {
        throw s3Error('EntityTooSmall', undefined, {
          ProposedSize: String(part.sizeBytes),
          MinSizeAllowed: String(MIN_PART_BYTES),
          PartNumber: String(number),
        });
      }
      return part;
    });
  }

  async #wholeChecksum({ algorithm, checksumType }: Upload, parts: readonly Part[]): Promise<Checksums> {
    if (!algorithm) return {};
    if (checksumType === 'COMPOSITE') {
      return {
        [algorithm]: compositeChecksum(
          algorithm,
          parts.map((part) => part.checksums[algorithm] ?? ''),
        ),
      };
    }
    const digest = createDigest(algorithm);
    for (const { file, sizeBytes } of parts) {
      if (sizeBytes === 0) continue;
      for await (const chunk of this.#store.files.read(file, 0, sizeBytes - 1)) digest.update(chunk as Buffer);
    }
    return { [algorithm]: digest.digest().toString('base64') };
  }

  #deleteRows(uploadId: string): void {
    this.#database.run('DELETE FROM parts WHERE upload_id = ?', uploadId);
    if (this.#database.run('DELETE FROM uploads WHERE id = ?', uploadId) === 0) {
      throw new ServiceError('NoSuchUpload', 'The specified multipart upload does not exist.', { httpStatus: 404 });
    }
  }
}
