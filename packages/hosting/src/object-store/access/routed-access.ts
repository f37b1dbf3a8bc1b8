import type { Readable } from 'node:stream';
import type { EmbeddedAccess } from './embedded-access.ts';
import type { ObjectAccess, ObjectInfo } from './object-access.ts';

/** Buckets that exist in the embedded store are read there; all others in the external store, when there is one. */
export class RoutedAccess implements ObjectAccess {
  readonly #embedded: EmbeddedAccess;
  readonly #external: ObjectAccess | undefined;

  constructor(embedded: EmbeddedAccess, external: ObjectAccess | undefined) {
    this.#embedded = embedded;
    this.#external = external;
  }

  head(bucket: string, key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    return this.#for(bucket).head(bucket, key, signal);
  }

  open(bucket: string, key: string, signal?: AbortSignal): Promise<Readable> {
    return this.#for(bucket).open(bucket, key, signal);
  }

  list(bucket: string, prefix: string, maxObjects: number, signal?: AbortSignal): Promise<ObjectInfo[]> {
    return this.#for(bucket).list(bucket, prefix, maxObjects, signal);
  }

  put(bucket: string, key: string, body: Readable, contentType: string): Promise<void> {
    return this.#for(bucket).put(bucket, key, body, contentType);
  }

  #for(bucket: string): ObjectAccess {
    return this.#external === undefined || this.#embedded.has(bucket) ? this.#embedded : this.#external;
  }
}
