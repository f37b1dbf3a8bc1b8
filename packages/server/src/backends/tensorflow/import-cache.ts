import { hash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ReportedTensor } from '@nereid/importers';
import { readWhole } from './file-bytes.ts';

const MODEL_FILE = 'model.onnx';
const ENTRY_FILE = 'entry.json';
const UNFINISHED_PREFIX = '.incoming-';
/** Entries that nobody asked for this long are removed when something new is stored. */
const UNUSED_MAX_MS = 30 * 24 * 3600 * 1000;
/** What is unfinished this long is left over from a process that died. */
const UNFINISHED_MAX_MS = 3600 * 1000;

/** What is known of a stored model without reading it. */
export interface CacheEntry {
  readonly inputs: readonly ReportedTensor[];
  readonly outputs: readonly ReportedTensor[];
}

export interface CachedImport extends CacheEntry {
  readonly onnx: Uint8Array<ArrayBuffer>;
}

/** A model that was written, and what it is to be found by. */
export interface KeyedEntry extends CacheEntry {
  readonly key: string;
}

interface StoredEntry extends CacheEntry {
  readonly bytes: number;
  readonly crc32: number;
}

/**
 * Translated models in a directory, by key. Processes share it: an entry is a folder that appears whole, by renaming, and is never changed.
 * What is read is checked for size and CRC-32; an entry that is damaged is removed, as if it had never been.
 */
export class ImportCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Undefined when there is no entry, or none that is in order. */
  async find(key: string): Promise<CachedImport | undefined> {
    const folder = join(this.#directory, key);
    const text = await readFile(join(folder, ENTRY_FILE), 'utf8').catch(() => undefined);
    const entry = text === undefined ? undefined : parseEntry(text);
    const onnx = entry === undefined ? undefined : await readChecked(join(folder, MODEL_FILE), entry);
    if (entry === undefined || onnx === undefined) {
      await rm(folder, { recursive: true, force: true }).catch(() => {});
      return undefined;
    }
    const now = new Date();
    await utimes(join(folder, ENTRY_FILE), now, now).catch(() => {});
    return { inputs: entry.inputs, outputs: entry.outputs, onnx };
  }

  /**
   * Stores a model that `make` writes to the path it is given, under the key that it returns, and reads it. `make` may return the model
   * itself instead: it is not kept then. When another process was quicker, its entry stays. Throws what the file system or `make` throws;
   * nothing is left behind then.
   */
  async store(make: (path: string) => Promise<CachedImport | KeyedEntry>): Promise<CachedImport> {
    await mkdir(this.#directory, { recursive: true });
    await this.#removeOld();
    const unfinished = await mkdtemp(join(this.#directory, UNFINISHED_PREFIX));
    try {
      const path = join(unfinished, MODEL_FILE);
      const made = await make(path);
      if ('onnx' in made) return made;
      const { key, inputs, outputs } = made;
      const { size } = await stat(path);
      const { bytes, checksum } = await readWithChecksum(path, size);
      const stored: StoredEntry = { inputs, outputs, bytes: size, crc32: checksum };
      await writeFile(join(unfinished, ENTRY_FILE), JSON.stringify(stored));
      await rename(unfinished, join(this.#directory, key)).catch((error: unknown) => {
        if (!isTaken(error)) throw error;
      });
      return { inputs, outputs, onnx: bytes };
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  }

  async #removeOld(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const unfinished = name.startsWith(UNFINISHED_PREFIX);
      const folder = join(this.#directory, name);
      const used = await stat(unfinished ? folder : join(folder, ENTRY_FILE)).catch(() => undefined);
      const maxMs = unfinished ? UNFINISHED_MAX_MS : UNUSED_MAX_MS;
      if (used !== undefined && Date.now() - used.mtimeMs > maxMs) await rm(folder, { recursive: true, force: true });
    }
  }
}

/** A key for everything that a stored model depends on. */
export function cacheKey(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts));
}

async function readChecked(path: string, entry: StoredEntry): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    if ((await stat(path)).size !== entry.bytes) return undefined;
    const { bytes, checksum } = await readWithChecksum(path, entry.bytes);
    return checksum === entry.crc32 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

async function readWithChecksum(
  path: string,
  size: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; checksum: number }> {
  let checksum = 0;
  const bytes = await readWhole(path, size, (piece) => {
    checksum = crc32(piece, checksum);
  });
  return { bytes, checksum };
}

function parseEntry(text: string): StoredEntry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<StoredEntry> | null;
    const isWhole = Array.isArray(entry?.inputs) && Array.isArray(entry.outputs) && Number.isSafeInteger(entry.bytes);
    return isWhole ? (entry as StoredEntry) : undefined;
  } catch {
    return undefined;
  }
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOTEMPTY' || code === 'EEXIST';
}
