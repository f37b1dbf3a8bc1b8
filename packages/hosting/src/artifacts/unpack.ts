import { createWriteStream } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { messageOf } from '../errors.ts';
import { MemberPathError, memberSegments } from './member-path.ts';

/** An archive that is damaged, or holds what a model archive must not hold. The message is fit for clients. */
export class ArchiveError extends Error {}

export interface UnpackLimits {
  /** Files and folders. */
  readonly maxEntries: number;
  /** Bytes of the archive after decompression. */
  readonly maxUnpackedBytes: number;
  /** Bytes that must stay free on the disk. */
  readonly minFreeBytes: number;
}

export const DEFAULT_UNPACK_LIMITS: UnpackLimits = {
  maxEntries: 100_000,
  maxUnpackedBytes: 64 * 1024 ** 3,
  minFreeBytes: 512 * 1024 ** 2,
};

/** Deflate cannot do better than 1032:1, models stay under 100:1. What expands further after the first GiB is a bomb. */
const MAX_EXPANSION = 500;
const EXPANSION_GRACE_BYTES = 1024 ** 3;
const DISK_CHECK_BYTES = 64 * 1024 ** 2;
/** Weights come in large runs: small chunks cost more than what is in them. */
const UNPACKED_CHUNK_BYTES = 256 * 1024;
const FILE_TYPES = new Set(['File', 'OldFile', 'ContiguousFile']);

/** Limits that concern the archive as a stream of bytes. */
class ByteGuard {
  readonly #limits: UnpackLimits;
  readonly #directory: string;
  #packed = 0;
  #unpacked = 0;
  #nextDiskCheck = 0;

  constructor(limits: UnpackLimits, directory: string) {
    this.#limits = limits;
    this.#directory = directory;
  }

  readonly countPacked = (chunk: Buffer): void => {
    this.#packed += chunk.length;
  };

  async countUnpacked(chunk: Buffer): Promise<void> {
    this.#unpacked += chunk.length;
    const { maxUnpackedBytes, minFreeBytes } = this.#limits;
    if (this.#unpacked > maxUnpackedBytes) {
      throw new ArchiveError(`the archive holds more than ${maxUnpackedBytes} bytes after decompression`);
    }
    if (this.#unpacked > EXPANSION_GRACE_BYTES && this.#unpacked > this.#packed * MAX_EXPANSION) {
      throw new ArchiveError(`the archive expands to more than ${MAX_EXPANSION} times its size`);
    }
    if (this.#unpacked < this.#nextDiskCheck) return;
    this.#nextDiskCheck = this.#unpacked + DISK_CHECK_BYTES;
    const { bavail, bsize } = await statfs(this.#directory);
    if (bavail * bsize < minFreeBytes) throw new ArchiveError('the disk of this host is full');
  }
}

/** Writes entries as they are parsed. The directory is new and only this writer knows it, so no link can be in the way. */
class EntryWriter {
  readonly #directory: string;
  readonly #maxEntries: number;
  #writes: Promise<unknown> = Promise.resolve();
  readonly #files = new Set<string>();
  #entries = 0;
  failure: Error | undefined;

  constructor(directory: string, maxEntries: number) {
    this.#directory = directory;
    this.#maxEntries = maxEntries;
  }

  get fileCount(): number {
    return this.#files.size;
  }

  accept(entry: ReadEntry): void {
    const write = this.failure ? Promise.resolve() : this.#write(entry);
    const settled = write.catch((error: unknown) => {
      this.failure ??= error instanceof Error ? error : new Error(messageOf(error));
      entry.resume();
    });
    this.#writes = Promise.all([this.#writes, settled]);
    if (this.failure) entry.resume();
  }

  async settle(): Promise<void> {
    await this.#writes;
  }

  async #write(entry: ReadEntry): Promise<void> {
    this.#entries += 1;
    if (this.#entries > this.#maxEntries)
      throw new ArchiveError(`the archive has more than ${this.#maxEntries} members`);
    const segments = memberSegments(entry.path);
    const path = join(this.#directory, ...segments);
    if (entry.type === 'Directory' || entry.type === 'GNUDumpDir') {
      await mkdir(path, { recursive: true });
      entry.resume();
      return;
    }
    const shown = `'${entry.path.slice(0, 128)}'`;
    if (!FILE_TYPES.has(entry.type)) {
      throw new ArchiveError(
        `member ${shown} is a ${entry.type}: only files and folders are allowed (pack with tar --dereference --hard-dereference)`,
      );
    }
    if (segments.length === 0) throw new ArchiveError(`member ${shown} is a file without a name`);
    if (segments.some((segment) => segment.startsWith('GNUSparseFile.'))) {
      throw new ArchiveError(`member ${shown} is a sparse file: pack without tar's --sparse`);
    }
    if (this.#files.has(path)) throw new ArchiveError(`member ${shown} appears twice`);
    this.#files.add(path);
    await mkdir(dirname(path), { recursive: true });
    const file = createWriteStream(path, { flags: 'wx', mode: 0o644 });
    entry.pipe(file);
    await finished(file);
  }
}

function isGzip(chunk: Buffer): boolean {
  return chunk.length >= 2 && chunk[0] === 0x1f && chunk[1] === 0x8b;
}

/** Checks the first bytes, so that an archive in another form is told from a damaged one. */
async function* gzipOnly(source: Readable, guard: ByteGuard): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    if (first && !isGzip(chunk)) throw new ArchiveError('it is not compressed with gzip');
    first = false;
    guard.countPacked(chunk);
    yield chunk;
  }
  if (first) throw new ArchiveError('it is empty');
}

/**
 * Unpacks a `.tar.gz` into an empty directory. Throws ArchiveError for what is damaged or unsafe: paths that leave the directory, links, devices,
 * sparse files, names that occur twice, more entries or bytes than `limits` allow. Owners, modes and times of the archive are not taken over.
 */
export async function unpackArchive(
  source: Readable,
  directory: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<void> {
  const guard = new ByteGuard(limits, directory);
  const writer = new EntryWriter(directory, limits.maxEntries);
  let ignored: string | undefined;
  const parser = new Parser({
    strict: true,
    gzip: false,
    brotli: false,
    zstd: false,
    onReadEntry: (entry) => writer.accept(entry),
  });
  parser.on('ignoredEntry', (entry: ReadEntry) => {
    ignored ??= `member '${entry.path.slice(0, 128)}' is of a kind (${entry.type}) that a model archive must not hold`;
  });
  const parsed = new Promise<void>((resolve, reject) => {
    parser.once('end', resolve);
    // More than one error may come; one without a listener would be thrown from `write`.
    parser.on('error', (error: Error) => reject(new ArchiveError(`it is not a valid tar archive (${error.message})`)));
  });
  // The rejection is looked at below; it may come while the loop still runs.
  parsed.catch(() => undefined);
  const gunzip = createGunzip({ chunkSize: UNPACKED_CHUNK_BYTES });
  const packed = Readable.from(gzipOnly(source, guard), { objectMode: false });
  packed.once('error', (error) => gunzip.destroy(error));
  signal.addEventListener('abort', () => gunzip.destroy(new Error('unpacking was stopped')), { once: true });
  packed.pipe(gunzip);
  try {
    let isFirst = true;
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      // The parser would decompress once more, and past the guard's count.
      if (isFirst && chunk[0] === 0x1f) throw new ArchiveError('it is not a valid tar archive (compressed twice)');
      isFirst = false;
      await guard.countUnpacked(chunk);
      if (!parser.write(chunk))
        await Promise.race([new Promise<void>((resolve) => parser.once('drain', resolve)), parsed]);
      if (writer.failure) throw writer.failure;
      if (ignored) throw new ArchiveError(ignored);
    }
    parser.end();
    await parsed;
    await writer.settle();
    if (writer.failure) throw writer.failure;
    if (ignored) throw new ArchiveError(ignored);
    if (writer.fileCount === 0) throw new ArchiveError('it holds no files');
  } catch (error) {
    packed.destroy();
    source.destroy();
    throw asArchiveError(error);
  }
}

function asArchiveError(error: unknown): unknown {
  if (error instanceof MemberPathError) return new ArchiveError(error.message, { cause: error });
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return new ArchiveError(`its gzip data is damaged (${messageOf(error)})`, { cause: error });
  }
  if (code === 'ENOTDIR' || code === 'EISDIR' || code === 'EEXIST') {
    return new ArchiveError('a member of the archive is a file in one place and a folder in another', { cause: error });
  }
  return error;
}
