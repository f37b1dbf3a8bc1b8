import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../errors.ts';
import type { ObjectAccess, ObjectInfo } from '../object-store/index.ts';
import { FileAccessError, type FileRoots } from './limited-file.ts';
import { LocationError, parseLocation } from './location.ts';
import { MemberPathError, memberSegments } from './member-path.ts';
import { ArchiveError, type UnpackLimits, unpackArchive } from './unpack.ts';

/** Model data cannot be had. The message is fit for `FailureReason`. */
export class ArtifactError extends Error {
  /** True when nothing is there, as against something that is broken. */
  readonly isMissing: boolean;

  constructor(message: string, isMissing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isMissing = isMissing;
  }
}

/** Model data as a model's definition names it. */
export interface ArtifactReference {
  readonly url: string;
  /** `archive`: one `.tar.gz`. `prefix`: every object below the URL, as it is. `object`: one uncompressed object. */
  readonly form: 'archive' | 'prefix' | 'object';
}

/** Unpacked model data on this machine. */
export interface PreparedArtifact {
  /** Names the unpacked copy in the artifact folder. */
  readonly cacheKey: string;
  /** Holds `model/`, which for a folder of the user's is a link to it. */
  readonly baseDirectory: string;
  /** Lets go of the copy: from then on it may be removed unless something else needs it. */
  readonly release: () => void;
}

export interface ArtifactStoreOptions {
  readonly directory: string;
  readonly objects: ObjectAccess;
  readonly files: FileRoots;
  readonly limits: UnpackLimits;
}

const EMPTY_KEY = 'empty';

/** Brings model data to the disk: each version of it once, however many instances use it. */
export class ArtifactStore {
  readonly #options: ArtifactStoreOptions;
  readonly #running = new Map<string, Promise<void>>();
  readonly #inUse = new Map<string, number>();
  /** One requester that gives up does not stop what others wait for. */
  readonly #closing = new AbortController();

  constructor(options: ArtifactStoreOptions) {
    this.#options = options;
  }

  /** Prepares `reference` (none: a container without model data). Throws ArtifactError; when `signal` aborts, its reason. */
  async prepare(reference: ArtifactReference | undefined, signal: AbortSignal): Promise<PreparedArtifact> {
    if (reference === undefined) return this.#prepared(EMPTY_KEY, signal, async () => undefined);
    try {
      const location = parseLocation(reference.url);
      if (location.kind === 's3') return await this.#fromObjects(reference, location.bucket, location.key, signal);
      const file = await this.#options.files.resolve(location.path);
      if (file.isDirectory) {
        // Served where it is: a change shows in the next instance that starts.
        return await this.#prepared(keyOf(reference, file.path), signal, async (directory) => {
          await rmdir(directory);
          await symlink(file.path, directory, 'dir');
        });
      }
      const version = `${file.sizeBytes}-${file.modifiedMs}`;
      return await this.#prepared(keyOf(reference, version), signal, (directory, closing) =>
        this.#fill(reference, createReadStream(file.path), basename(file.path), directory, closing),
      );
    } catch (error) {
      throw this.#explained(error, reference, signal);
    }
  }

  /** A copy that was prepared before, even if its source has changed or gone since. */
  async reuse(cacheKey: string): Promise<PreparedArtifact | undefined> {
    const baseDirectory = join(this.#options.directory, cacheKey);
    const release = this.#hold(cacheKey);
    const info = await stat(join(baseDirectory, 'model')).catch(() => undefined);
    if (info) return { cacheKey, baseDirectory, release };
    release();
    return undefined;
  }

  /** Unpacks one archive of a multi-model endpoint to `directory`, which must not exist. Throws ArtifactError. */
  async unpackTo(url: string, directory: string, signal: AbortSignal): Promise<void> {
    const reference: ArtifactReference = { url, form: 'archive' };
    const staging = `${directory}.${randomUUID()}`;
    try {
      const location = parseLocation(url);
      const source =
        location.kind === 's3'
          ? await this.#open(location.bucket, location.key, signal)
          : await this.#openFile(location.path);
      await mkdir(staging, { recursive: true, mode: 0o700 });
      await unpackArchive(source, staging, this.#options.limits, signal);
      await rename(staging, directory);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw this.#explained(error, reference, signal);
    }
  }

  /** Removes unpacked copies that are neither in `needed` nor being prepared. */
  async collect(needed: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#options.directory)) {
      if (
        needed.has(name) ||
        this.#inUse.has(name) ||
        this.#running.has(name) ||
        this.#inUse.has(name.split('.')[0] ?? '')
      )
        continue;
      await rm(join(this.#options.directory, name), { recursive: true, force: true });
    }
  }

  /** Stops what is being unpacked. */
  close(): void {
    this.#closing.abort(new Error('the host is stopping'));
  }

  async #fromObjects(
    reference: ArtifactReference,
    bucket: string,
    key: string,
    signal: AbortSignal,
  ): Promise<PreparedArtifact> {
    const { objects, limits } = this.#options;
    if (reference.form === 'prefix') {
      const found = await objects.list(bucket, key, limits.maxEntries, signal);
      if (found.length === 0) throw missing(reference);
      const version = found.map((object) => `${object.key}:${object.version}`).join('\n');
      return this.#prepared(keyOf(reference, version), signal, (directory, closing) =>
        this.#copyPrefix(bucket, key, found, directory, closing),
      );
    }
    const info = await objects.head(bucket, key, signal);
    if (!info || key === '') throw missing(reference);
    return this.#prepared(keyOf(reference, info.version), signal, async (directory, closing) =>
      this.#fill(reference, await objects.open(bucket, key, closing), basename(key), directory, closing),
    );
  }

  async #prepared(
    cacheKey: string,
    signal: AbortSignal,
    fill: (directory: string, signal: AbortSignal) => Promise<void>,
  ): Promise<PreparedArtifact> {
    const release = this.#hold(cacheKey);
    try {
      const ready = await this.reuse(cacheKey);
      if (ready) return ready;
      const running = this.#running.get(cacheKey) ?? this.#unpackOnce(cacheKey, fill);
      await Promise.race([running, rejectOnAbort(signal)]);
      const prepared = await this.reuse(cacheKey);
      if (!prepared) throw new Error('the unpacked model is gone');
      return prepared;
    } finally {
      release();
    }
  }

  /** Keeps a copy from being collected until the returned function is called. */
  #hold(cacheKey: string): () => void {
    this.#inUse.set(cacheKey, (this.#inUse.get(cacheKey) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#inUse.get(cacheKey) ?? 1) - 1;
      if (left > 0) this.#inUse.set(cacheKey, left);
      else this.#inUse.delete(cacheKey);
    };
  }

  #unpackOnce(cacheKey: string, fill: (directory: string, signal: AbortSignal) => Promise<void>): Promise<void> {
    const work = async (): Promise<void> => {
      const staging = join(this.#options.directory, `${cacheKey}.${randomUUID()}`);
      try {
        await mkdir(join(staging, 'model'), { recursive: true, mode: 0o700 });
        await fill(join(staging, 'model'), this.#closing.signal);
        await rename(staging, join(this.#options.directory, cacheKey));
      } catch (error) {
        await rm(staging, { recursive: true, force: true });
        throw error;
      }
    };
    const running = work().finally(() => this.#running.delete(cacheKey));
    this.#running.set(cacheKey, running);
    return running;
  }

  async #fill(
    reference: ArtifactReference,
    source: Readable,
    name: string,
    directory: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (reference.form === 'archive') await unpackArchive(source, directory, this.#options.limits, signal);
    else
      await pipeline(source, createWriteStream(join(directory, ...memberSegments(name)), { flags: 'wx' }), { signal });
  }

  async #copyPrefix(
    bucket: string,
    prefix: string,
    found: readonly ObjectInfo[],
    directory: string,
    signal: AbortSignal,
  ): Promise<void> {
    const total = found.reduce((sum, object) => sum + object.sizeBytes, 0);
    if (total > this.#options.limits.maxUnpackedBytes) {
      throw new ArchiveError(`the objects hold more than ${this.#options.limits.maxUnpackedBytes} bytes`);
    }
    const root = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    for (const { key } of found) {
      const segments = memberSegments(key.slice(root.length));
      const path = join(directory, ...segments);
      // A key that ends in a slash stands for an (empty) folder, such as an ensemble's version folder.
      if (key.endsWith('/') || segments.length === 0) {
        await mkdir(path, { recursive: true });
        continue;
      }
      await mkdir(dirname(path), { recursive: true });
      await pipeline(await this.#open(bucket, key, signal), createWriteStream(path, { flags: 'wx' }), { signal });
    }
  }

  async #open(bucket: string, key: string, signal: AbortSignal): Promise<Readable> {
    const info = await this.#options.objects.head(bucket, key, signal);
    if (!info) throw missing({ url: `s3://${bucket}/${key}`, form: 'archive' });
    return this.#options.objects.open(bucket, key, signal);
  }

  async #openFile(path: string): Promise<Readable> {
    const file = await this.#options.files.resolve(path);
    if (file.isDirectory) throw new FileAccessError(`'file://${path}' is a folder where an archive is wanted`);
    return createReadStream(file.path);
  }

  #explained(error: unknown, reference: ArtifactReference, signal: AbortSignal): unknown {
    if (error instanceof ArtifactError) return error;
    if (signal.aborted) return signal.reason;
    if (error instanceof ArchiveError || error instanceof MemberPathError) {
      const advice =
        reference.form === 'archive'
          ? ' Please ensure that the object located at the URL is a valid tar.gz archive.'
          : '';
      return new ArtifactError(
        `Failed to extract model data archive from URL "${reference.url}": ${error.message}.${advice}`,
        false,
        { cause: error },
      );
    }
    const known = error instanceof LocationError || error instanceof FileAccessError;
    return new ArtifactError(`Failed to download model data from URL "${reference.url}": ${messageOf(error)}.`, known, {
      cause: error,
    });
  }
}

function missing(reference: ArtifactReference): ArtifactError {
  return new ArtifactError(
    `Failed to download model data from URL "${reference.url}". Please ensure that there is an object located at the URL and that the role passed to CreateModel has permissions to download the model.`,
    true,
  );
}

function keyOf(reference: ArtifactReference, version: string): string {
  return createHash('sha256')
    .update(JSON.stringify([reference.url, reference.form, version]))
    .digest('hex')
    .slice(0, 40);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
