import type { Readable } from 'node:stream';
import type { Database } from '../../store/index.ts';
import { listObjects } from '../listing.ts';
import type { ObjectStore } from '../object-store.ts';
import type { ObjectAccess, ObjectInfo } from './object-access.ts';

const PAGE = 1000;

/** The host's own object store, without the way over HTTP. */
export class EmbeddedAccess implements ObjectAccess {
  readonly #store: ObjectStore;
  readonly #database: Database;

  constructor(store: ObjectStore, database: Database) {
    this.#store = store;
    this.#database = database;
  }

  has(bucket: string): boolean {
    return this.#store.hasBucket(bucket);
  }

  async head(bucket: string, key: string): Promise<ObjectInfo | undefined> {
    const object = this.#store.find(bucket, key);
    return object && { key, sizeBytes: object.sizeBytes, version: `${object.etag}-${object.sizeBytes}` };
  }

  async open(bucket: string, key: string): Promise<Readable> {
    return this.#store.read(this.#store.head(bucket, key));
  }

  async list(bucket: string, prefix: string, maxObjects: number): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = listObjects(this.#database, { bucket, prefix, delimiter: '', after, maxKeys: PAGE });
      for (const { key, sizeBytes, etag } of page.objects)
        found.push({ key, sizeBytes, version: `${etag}-${sizeBytes}` });
      if (found.length > maxObjects)
        throw new Error(`more than ${maxObjects} objects under 's3://${bucket}/${prefix}'`);
      after = page.last;
    }
    return found;
  }

  async put(bucket: string, key: string, body: Readable, contentType: string): Promise<void> {
    await this.#store.put(bucket, key, body, { headers: { 'content-type': contentType } });
  }
}
