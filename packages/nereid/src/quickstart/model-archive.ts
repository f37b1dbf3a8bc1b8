import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';

/**
 * Packs a model repository as `tar -czf model.tar.gz -C model_repository .` does, unless `archive` holds that repository already. The gzip
 * stream only stores: squeezing weights takes seconds and gains nothing on the way to the same machine.
 */
export async function packRepository(repository: string, archive: string): Promise<void> {
  const note = `${archive}.content`;
  const content = await contentOf(repository);
  if (existsSync(archive) && (await readFile(note, 'utf8').catch(() => '')) === content) return;
  const unfinished = `${archive}.incomplete`;
  await rm(note, { force: true });
  await create({ file: unfinished, cwd: repository, gzip: { level: 0 }, portable: true }, ['.']);
  await rename(unfinished, archive);
  await writeFile(note, content);
}

/** A digest of what a repository's files are called, how large they are and when they were changed. */
async function contentOf(repository: string): Promise<string> {
  const digest = createHash('sha256');
  for (const path of (await readdir(repository, { recursive: true })).sort()) {
    const { size, mtimeMs } = await stat(join(repository, path));
    digest.update(`${path}\n${size}\n${mtimeMs}\n`);
  }
  return digest.digest('hex');
}
