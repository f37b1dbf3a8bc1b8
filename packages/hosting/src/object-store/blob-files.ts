import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ChecksumAlgorithm, type Checksums, createDigest } from './checksums.ts';

/** Bytes on disk that never change once they are written. */
export interface Blob {
  readonly file: string;
  readonly sizeBytes: number;
  /** Hexadecimal MD5, S3's entity tag. */
  readonly md5: string;
  readonly checksums: Checksums;
}

/** The files behind objects and parts, spread over 256 folders. Names are random: no key ever becomes a path. */
export class BlobFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes a body to a new file, durable when the promise resolves; nothing is left behind when it rejects. `algorithms` are computed on the way. */
  async write(body: Readable, algorithms: Iterable<ChecksumAlgorithm>): Promise<Blob> {
    const file = await this.#newName();
    const md5 = createDigest('md5');
    const digests = [...algorithms].map((algorithm) => ({ algorithm, digest: createDigest(algorithm) }));
    let sizeBytes = 0;
    try {
      await pipeline(
        body,
        async function* (source: AsyncIterable<Buffer>) {
          for await (const chunk of source) {
            sizeBytes += chunk.length;
            md5.update(chunk);
            for (const { digest } of digests) digest.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(this.#path(file), { flags: 'wx', mode: 0o600, flush: true, highWaterMark: 1 << 20 }),
      );
    } catch (error) {
      await this.remove([file]);
      throw error;
    }
    const checksums: Checksums = {};
    for (const { algorithm, digest } of digests) checksums[algorithm] = digest.digest().toString('base64');
    return { file, sizeBytes, md5: md5.digest().toString('hex'), checksums };
  }

  /** The bytes from `start` up to and including `end`. */
  read(file: string, start: number, end: number): Readable {
    return createReadStream(this.#path(file), { start, end, highWaterMark: 1 << 18 });
  }

  /** A second name for the same bytes. */
  async duplicate(file: string): Promise<string> {
    const copy = await this.#newName();
    await link(this.#path(file), this.#path(copy));
    return copy;
  }

  async remove(files: Iterable<string>): Promise<void> {
    for (const file of files) await rm(this.#path(file), { force: true });
  }

  /** Removes files that no row names: what a killed host had begun to write. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const folder of await readdir(this.#directory)) {
      for (const name of await readdir(join(this.#directory, folder))) {
        if (!known.has(`${folder}/${name}`)) await rm(join(this.#directory, folder, name), { force: true });
      }
    }
  }

  async #newName(): Promise<string> {
    const name = randomUUID();
    const folder = name.slice(0, 2);
    await mkdir(join(this.#directory, folder), { recursive: true, mode: 0o700 });
    return `${folder}/${name}`;
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}
