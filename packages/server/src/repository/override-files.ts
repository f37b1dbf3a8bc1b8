import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { StatusError } from '@nereid/protocol';
import { isBelow } from './confinement.ts';

export const FILE_PREFIX = 'file:';

/** A model directory made of the files of a load request. It is removed when nobody holds it any more. */
export class OverrideDirectory {
  readonly path: string;
  #holders = 1;

  constructor(path: string) {
    this.path = path;
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  async release(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders === 0) await rm(this.path, { recursive: true, force: true });
  }
}

/**
 * Writes the files of a load request into a directory of their own. Whoever calls holds it once.
 * @param files by path relative to the model directory
 * @throws StatusError INVALID_ARG for a path that leaves the directory, INTERNAL when a file cannot be written
 */
export async function createOverrideDirectory(
  files: ReadonlyMap<string, Uint8Array>,
  temporaryDirectory: string | undefined,
): Promise<OverrideDirectory> {
  const base = await realpath(temporaryDirectory ?? tmpdir());
  const directory = new OverrideDirectory(await mkdtemp(join(base, 'nereid-model-')));
  try {
    for (const [path, contents] of files) await writeOverride(directory.path, path, contents);
    return directory;
  } catch (error) {
    await directory.release();
    throw StatusError.from(error);
  }
}

async function writeOverride(directory: string, path: string, contents: Uint8Array): Promise<void> {
  const target = resolve(directory, `./${path}`);
  const parameter = `${FILE_PREFIX}${path}`;
  if (path.includes('\0') || !isBelow(target, directory)) {
    const normalized = path.includes('\0') ? path.replaceAll('\0', '\\0') : target;
    const place = `with normalized path '${normalized}' must stay within model directory.`;
    throw new StatusError('INVALID_ARG', `Invalid file parameter '${parameter}' ${place}`);
  }
  await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => {
    const message = `Invalid file parameter '${parameter}', directory has been created as a file`;
    throw new StatusError('INVALID_ARG', message, { cause: error });
  });
  await writeFile(target, contents).catch((error: unknown) => {
    throw new StatusError('INTERNAL', `failed to open binary file for write ${target}`, { cause: error });
  });
}
