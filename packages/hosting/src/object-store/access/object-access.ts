import type { Readable } from 'node:stream';

/** An object as its readers need it: how large, and which of the versions it had over time. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Changes whenever the bytes do. */
  readonly version: string;
}

/** Reads and writes objects by `s3://bucket/key`, wherever they are kept. */
export interface ObjectAccess {
  /** undefined when there is no such object (or bucket). */
  head(bucket: string, key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>;
  /** The object's bytes. Throws when there is none. */
  open(bucket: string, key: string, signal?: AbortSignal): Promise<Readable>;
  /** All objects whose keys begin with `prefix`, at most `maxObjects` (more throw). */
  list(bucket: string, prefix: string, maxObjects: number, signal?: AbortSignal): Promise<ObjectInfo[]>;
  /** Throws when the bucket does not exist. */
  put(bucket: string, key: string, body: Readable, contentType: string): Promise<void>;
}
