import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Database } from '../store/index.ts';
import { type Blob, BlobFiles } from './blob-files.ts';
import type { ChecksumAlgorithm, Checksums } from './checksums.ts';
import { assertBucketName, assertKey } from './names.ts';
import { s3Error } from './s3-errors.ts';

/** Stored headers of an object: `content-type`, `cache-control` …, and the user's `x-amz-meta-…`. */
export type ObjectHeaders = Readonly<Record<string, string>>;

export interface StoredObject {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly headers: ObjectHeaders;
  readonly checksums: Checksums;
}

export interface Bucket {
  readonly name: string;
  readonly createdMs: number;
}

export interface Segment {
  readonly file: string;
  readonly sizeBytes: number;
}

export interface PutOptions {
  readonly headers?: ObjectHeaders;
  /** Checksums to compute beside MD5. */
  readonly algorithms?: Iterable<ChecksumAlgorithm>;
  /** Looks at what arrived before anything becomes visible; what it throws fails the put. */
  readonly verify?: (blob: Blob) => void;
}

interface ObjectRow {
  id: string;
  bucket: string;
  key: string;
  size: number;
  etag: string;
  modified_ms: number;
  headers: string;
  checksums: string;
}

function fromRow(row: ObjectRow): StoredObject {
  return {
    id: row.id,
    bucket: row.bucket,
    key: row.key,
    sizeBytes: row.size,
    etag: row.etag,
    modifiedMs: row.modified_ms,
    headers: JSON.parse(row.headers) as ObjectHeaders,
    checksums: JSON.parse(row.checksums) as Checksums,
  };
}

export interface ObjectStoreOptions {
  readonly database: Database;
  readonly directory: string;
  readonly now: () => number;
}

/**
 * Buckets and objects: rows in SQLite, bytes in files. An object is a list of segments (one, or one for each part of a multipart upload), so that
 * completing an upload copies nothing. Throws ServiceError with S3's codes.
 */
export class ObjectStore {
  readonly files: BlobFiles;
  readonly #database: Database;
  readonly #now: () => number;
  /** Readers of an object's files; files of deleted objects wait until the last of them is done. */
  readonly #readers = new Map<string, number>();
  readonly #doomed = new Map<string, string[]>();

  constructor(options: ObjectStoreOptions) {
    this.#database = options.database;
    this.#now = options.now;
    this.files = new BlobFiles(options.directory);
  }

  /** Clears up after a host that was killed. */
  async recover(): Promise<void> {
    const rows = this.#database.all<{ file: string }>('SELECT file FROM segments UNION ALL SELECT file FROM parts');
    await this.files.sweep(new Set(rows.map((row) => row.file)));
  }

  createBucket(name: string): boolean {
    assertBucketName(name);
    return this.#database.run('INSERT OR IGNORE INTO buckets VALUES (?, ?)', name, this.#now()) === 1;
  }

  hasBucket(name: string): boolean {
    return this.#database.get('SELECT 1 FROM buckets WHERE name = ?', name) !== undefined;
  }

  assertBucket(name: string): void {
    if (!this.hasBucket(name)) throw s3Error('NoSuchBucket', undefined, { BucketName: name.slice(0, 128) });
  }

  buckets(): Bucket[] {
    return this.#database
      .all<{ name: string; created_ms: number }>('SELECT name, created_ms FROM buckets ORDER BY name')
      .map((row) => ({ name: row.name, createdMs: row.created_ms }));
  }

  deleteBucket(name: string): void {
    this.assertBucket(name);
    const used = this.#database.get(
      'SELECT 1 FROM objects WHERE bucket = ? UNION ALL SELECT 1 FROM uploads WHERE bucket = ? LIMIT 1',
      name,
      name,
    );
    if (used !== undefined) throw s3Error('BucketNotEmpty', undefined, { BucketName: name });
    this.#database.run('DELETE FROM buckets WHERE name = ?', name);
  }

  find(bucket: string, key: string): StoredObject | undefined {
    const row = this.#database.get<ObjectRow>('SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, key);
    return row && fromRow(row);
  }

  /** Throws NoSuchBucket or NoSuchKey. */
  head(bucket: string, key: string): StoredObject {
    this.assertBucket(bucket);
    const object = this.find(bucket, key);
    if (!object) throw s3Error('NoSuchKey', undefined, { Key: key });
    return object;
  }

  async put(bucket: string, key: string, body: Readable, options: PutOptions = {}): Promise<StoredObject> {
    this.assertBucket(bucket);
    assertKey(key);
    const blob = await this.files.write(body, options.algorithms ?? []);
    try {
      options.verify?.(blob);
      return this.commit({
        bucket,
        key,
        etag: blob.md5,
        headers: options.headers ?? {},
        checksums: blob.checksums,
        segments: [{ file: blob.file, sizeBytes: blob.sizeBytes }],
      });
    } catch (error) {
      await this.files.remove([blob.file]);
      throw error;
    }
  }

  /** Makes segments visible as an object, in place of an earlier one of that key. `alsoWrite` runs in the same transaction. */
  commit(
    object: {
      bucket: string;
      key: string;
      etag: string;
      headers: ObjectHeaders;
      checksums: Checksums;
      segments: readonly Segment[];
    },
    alsoWrite: () => void = () => undefined,
  ): StoredObject {
    const stored: StoredObject = {
      id: randomUUID(),
      bucket: object.bucket,
      key: object.key,
      sizeBytes: object.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
      etag: object.etag,
      modifiedMs: this.#now(),
      headers: object.headers,
      checksums: object.checksums,
    };
    const db = this.#database;
    const replaced = db.transaction(() => {
      // The bucket may have gone while the body was written.
      this.assertBucket(object.bucket);
      const files = this.#deleteRows(object.bucket, object.key);
      db.run(
        'INSERT INTO objects (id, bucket, key, size, etag, modified_ms, headers, checksums) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        stored.id,
        stored.bucket,
        stored.key,
        stored.sizeBytes,
        stored.etag,
        stored.modifiedMs,
        JSON.stringify(stored.headers),
        JSON.stringify(stored.checksums),
      );
      object.segments.forEach(({ file, sizeBytes }, position) => {
        db.run('INSERT INTO segments VALUES (?, ?, ?, ?)', stored.id, position, file, sizeBytes);
      });
      alsoWrite();
      return files;
    });
    this.#discard(replaced);
    return stored;
  }

  /** Deleting what is not there is no error, as in S3. */
  delete(bucket: string, key: string): void {
    this.assertBucket(bucket);
    this.#discard(this.#database.transaction(() => this.#deleteRows(bucket, key)));
  }

  segments(objectId: string): Segment[] {
    return this.#database
      .all<{ file: string; size: number }>(
        'SELECT file, size FROM segments WHERE object_id = ? ORDER BY position',
        objectId,
      )
      .map((row) => ({ file: row.file, sizeBytes: row.size }));
  }

  /** The object's bytes from `start` up to and including `end`. Deleting or replacing the object does not disturb the reader. */
  read(object: StoredObject, start = 0, end = object.sizeBytes - 1): Readable {
    return Readable.from(this.#pieces(object, this.segments(object.id), start, end), { objectMode: false });
  }

  /** A copy that shares no state with its source: later changes of either leave the other alone. */
  async copy(source: StoredObject, bucket: string, key: string, headers: ObjectHeaders): Promise<StoredObject> {
    this.assertBucket(bucket);
    assertKey(key);
    const segments: Segment[] = [];
    this.#pin(source.id);
    try {
      for (const { file, sizeBytes } of this.segments(source.id)) {
        segments.push({ file: await this.files.duplicate(file), sizeBytes });
      }
      return this.commit({ bucket, key, etag: source.etag, headers, checksums: source.checksums, segments });
    } catch (error) {
      await this.files.remove(segments.map((segment) => segment.file));
      throw error;
    } finally {
      this.#unpin(source.id);
    }
  }

  async *#pieces(
    object: StoredObject,
    segments: readonly Segment[],
    start: number,
    end: number,
  ): AsyncGenerator<Buffer> {
    this.#pin(object.id);
    try {
      let offset = 0;
      for (const { file, sizeBytes } of segments) {
        const from = Math.max(start - offset, 0);
        const to = Math.min(end - offset, sizeBytes - 1);
        if (from <= to) yield* this.files.read(file, from, to) as AsyncIterable<Buffer>;
        offset += sizeBytes;
      }
    } finally {
      this.#unpin(object.id);
    }
  }

  #deleteRows(bucket: string, key: string): { id: string; files: string[] } | undefined {
    const object = this.find(bucket, key);
    if (!object) return undefined;
    const files = this.segments(object.id).map((segment) => segment.file);
    this.#database.run('DELETE FROM segments WHERE object_id = ?', object.id);
    this.#database.run('DELETE FROM objects WHERE id = ?', object.id);
    return { id: object.id, files };
  }

  #discard(gone: { id: string; files: string[] } | undefined): void {
    if (!gone) return;
    if (this.#readers.has(gone.id)) this.#doomed.set(gone.id, gone.files);
    else void this.files.remove(gone.files);
  }

  #pin(objectId: string): void {
    this.#readers.set(objectId, (this.#readers.get(objectId) ?? 0) + 1);
  }

  #unpin(objectId: string): void {
    const left = (this.#readers.get(objectId) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(objectId, left);
      return;
    }
    this.#readers.delete(objectId);
    const files = this.#doomed.get(objectId);
    this.#doomed.delete(objectId);
    if (files) void this.files.remove(files);
  }
}
