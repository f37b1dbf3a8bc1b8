import { createHash, hash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scanFile } from './file-bytes.ts';

/**
 * A file changed this recently may change again without its times showing it: clocks of file systems tick. Its hash is not kept. (Git treats
 * its index the same way.)
 */
const SETTLED_MS = 3000;

interface KnownHash {
  /** Device, inode, size, and the times of the last change of content and of anything, in nanoseconds. */
  readonly identity: string;
  readonly sha256: string;
}

/**
 * Content hashes of files, remembered in a directory: hashing 90 MB again at every start would take a tenth of a second. A hash is remembered for a
 * file that is the same in every respect the file system knows, the time of its last change included, which nobody can set.
 */
export class ContentHashes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** SHA-256 in hexadecimal. Throws what the file system throws. */
  async of(path: string): Promise<string> {
    const identity = await identityOf(path);
    const record = join(this.#directory, `${hash('sha256', path)}.json`);
    const known = await readRecord(record);
    if (known?.identity === identity.text) return known.sha256;
    const digest = createHash('sha256');
    await scanFile(path, (piece) => digest.update(piece));
    const sha256 = digest.digest('hex');
    const isSettled = Date.now() - identity.changedMs > SETTLED_MS;
    if (isSettled && (await identityOf(path)).text === identity.text) {
      await this.#remember(record, { identity: identity.text, sha256 });
    }
    return sha256;
  }

  /** Best effort: without it the next start is slower. */
  async #remember(record: string, known: KnownHash): Promise<void> {
    const unfinished = `${record}.${process.pid}`;
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(unfinished, JSON.stringify(known));
      await rename(unfinished, record);
    } catch {
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }
}

async function identityOf(path: string): Promise<{ text: string; changedMs: number }> {
  const facts = await stat(path, { bigint: true });
  const text = [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(' ');
  return { text, changedMs: Math.max(Number(facts.ctimeMs), Number(facts.mtimeMs)) };
}

async function readRecord(record: string): Promise<KnownHash | undefined> {
  try {
    const known = JSON.parse(await readFile(record, 'utf8')) as Partial<KnownHash> | null;
    const isWhole = typeof known?.identity === 'string' && /^[0-9a-f]{64}$/.test(known.sha256 ?? '');
    return isWhole ? (known as KnownHash) : undefined;
  } catch {
    return undefined;
  }
}
