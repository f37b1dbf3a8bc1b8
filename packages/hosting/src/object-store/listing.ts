import type { Database } from '../store/index.ts';
import type { ChecksumAlgorithm, Checksums } from './checksums.ts';

export interface ListQuery {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Names up to and including this one are left out; empty for none. */
  readonly after: string;
  readonly maxKeys: number;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly algorithms: readonly ChecksumAlgorithm[];
}

export interface Listing {
  readonly objects: readonly ListedObject[];
  /** Keys rolled up to their part before the delimiter, the delimiter included. */
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** Where the next page starts after; present when truncated. */
  readonly last: string | undefined;
}

interface Row {
  key: string;
  size: number;
  etag: string;
  modified_ms: number;
  checksums: string;
}

/** The greatest character: `prefix + LAST` sorts behind every key with that prefix (but those that have this character there). */
const LAST = '\u{10FFFF}';
const BATCH = 1001;

/** Lists keys in the order of their UTF-8 bytes (SQLite's own), rolled up by delimiter as S3 does. */
export function listObjects(database: Database, query: ListQuery): Listing {
  const objects: ListedObject[] = [];
  const commonPrefixes: string[] = [];
  if (query.maxKeys === 0) return { objects, commonPrefixes, isTruncated: false, last: undefined };
  let last: string | undefined;
  let cursor = startAfter(query);
  for (;;) {
    const rows = database.all<Row>(
      'SELECT key, size, etag, modified_ms, checksums FROM objects WHERE bucket = ? AND key > ? AND key >= ? ORDER BY key LIMIT ?',
      query.bucket,
      cursor,
      query.prefix,
      Math.min(BATCH, query.maxKeys - objects.length - commonPrefixes.length + 1),
    );
    if (rows.length === 0) return { objects, commonPrefixes, isTruncated: false, last: undefined };
    for (const row of rows) {
      if (!row.key.startsWith(query.prefix)) return { objects, commonPrefixes, isTruncated: false, last: undefined };
      const common = commonPrefix(row.key, query);
      cursor = row.key;
      if (common !== undefined && common === commonPrefixes.at(-1)) continue;
      if (objects.length + commonPrefixes.length >= query.maxKeys) {
        return { objects, commonPrefixes, isTruncated: true, last };
      }
      last = common ?? row.key;
      if (common === undefined) objects.push(listed(row));
      else {
        commonPrefixes.push(common);
        // Whatever else has this prefix is skipped, not read.
        cursor = `${common}${LAST}`;
        break;
      }
    }
  }
}

function startAfter(query: ListQuery): string {
  const rolledUp = query.delimiter !== '' && query.after !== '' && query.after.endsWith(query.delimiter);
  return rolledUp && commonPrefix(query.after, query) === query.after ? `${query.after}${LAST}` : query.after;
}

function commonPrefix(key: string, { prefix, delimiter }: ListQuery): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function listed(row: Row): ListedObject {
  return {
    key: row.key,
    sizeBytes: row.size,
    etag: row.etag,
    modifiedMs: row.modified_ms,
    algorithms: Object.keys(JSON.parse(row.checksums) as Checksums) as ChecksumAlgorithm[],
  };
}
