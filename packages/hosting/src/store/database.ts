import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** The data directory cannot be used, for example because another host has it open. */
export class StoreError extends Error {}

const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE models (
  name TEXT PRIMARY KEY, arn TEXT NOT NULL, created_ms INTEGER NOT NULL, definition TEXT NOT NULL
) STRICT;
CREATE TABLE endpoint_configs (
  name TEXT PRIMARY KEY, arn TEXT NOT NULL, created_ms INTEGER NOT NULL, definition TEXT NOT NULL
) STRICT;
CREATE TABLE endpoints (
  name TEXT PRIMARY KEY, arn TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,
  status TEXT NOT NULL, config_name TEXT NOT NULL, failure_reason TEXT,
  active TEXT, pending TEXT, last_deployment_config TEXT
) STRICT;
CREATE TABLE tags (
  resource_arn TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (resource_arn, key)
) STRICT;
CREATE TABLE processes (
  pid INTEGER PRIMARY KEY, started TEXT NOT NULL
) STRICT;
CREATE TABLE buckets (
  name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE objects (
  id TEXT NOT NULL UNIQUE, bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  modified_ms INTEGER NOT NULL, headers TEXT NOT NULL, checksums TEXT NOT NULL,
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE segments (
  object_id TEXT NOT NULL, position INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (object_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE uploads (
  id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated_ms INTEGER NOT NULL,
  headers TEXT NOT NULL, checksum_algorithm TEXT, checksum_type TEXT
) STRICT;
CREATE TABLE parts (
  upload_id TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  modified_ms INTEGER NOT NULL, checksums TEXT NOT NULL,
  PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE async_invocations (
  id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, received_ms INTEGER NOT NULL, request TEXT NOT NULL
) STRICT;
`;

/**
 * The host's durable state: one SQLite file in the data directory, opened exclusively. The lock is the kernel's and goes with the process,
 * however it ends, so a second host is refused and a killed one leaves nothing behind.
 */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  /** Throws StoreError when another host has `dataDirectory` open, or when a newer release wrote it. */
  constructor(dataDirectory: string) {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    this.#db = openExclusively(dataDirectory);
    try {
      this.#migrate(dataDirectory);
    } catch (error) {
      this.#db.close();
      throw error;
    }
    writeFileSync(join(dataDirectory, 'host.pid'), `${process.pid}\n`);
  }

  #migrate(dataDirectory: string): void {
    const version = Number(this.#db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > SCHEMA_VERSION) {
      throw new StoreError(
        `data directory '${dataDirectory}' was written by a newer release (schema ${version}, this one knows ${SCHEMA_VERSION})`,
      );
    }
    if (version === 0) {
      this.transaction(() => {
        this.#db.exec(SCHEMA);
        this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      });
    }
  }

  /** All rows of a query. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  /** Runs a statement; the number of rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** Everything that `work` writes becomes durable together, or not at all when it throws. May be nested. */
  transaction<Result>(work: () => Result): Result {
    if (this.#depth > 0) return work();
    this.#db.exec('BEGIN IMMEDIATE');
    this.#depth += 1;
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function openExclusively(dataDirectory: string): DatabaseSync {
  const db = new DatabaseSync(join(dataDirectory, 'host.sqlite'));
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    // The exclusive lock is taken by the first write.
    db.exec('BEGIN EXCLUSIVE');
    db.exec('COMMIT');
    return db;
  } catch (error) {
    db.close();
    const text = error instanceof Error ? error.message : String(error);
    if (!/locked|busy/i.test(text)) throw error;
    throw new StoreError(`data directory '${dataDirectory}' is in use by another host${holder(dataDirectory)}`, {
      cause: error,
    });
  }
}

function holder(dataDirectory: string): string {
  try {
    return ` (process ${readFileSync(join(dataDirectory, 'host.pid'), 'utf8').trim()})`;
  } catch {
    return '';
  }
}
