import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';

/** A path outside the folders that `file://` may read. The message is fit for clients. */
export class FileAccessError extends Error {}

/** Reads of `file://` model data are confined to folders that the operator named. */
export class FileRoots {
  readonly #roots: readonly string[];

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** The real path, links followed, when it lies in one of the folders. Throws FileAccessError. */
  async resolve(path: string): Promise<{ path: string; isDirectory: boolean; sizeBytes: number; modifiedMs: number }> {
    const roots = await Promise.all(this.#roots.map((root) => realpath(root).catch(() => root)));
    const real = await realpath(path).catch(() => undefined);
    const allowed =
      real !== undefined &&
      roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep));
    if (real === undefined || !allowed) {
      // The same words whether it exists or not: nobody learns what is on the disk.
      throw new FileAccessError(
        `'file://${path}' does not exist or is outside the folders that this host may read (--file-root)`,
      );
    }
    const info = await stat(real);
    if (!info.isDirectory() && !info.isFile())
      throw new FileAccessError(`'file://${path}' is neither a file nor a folder`);
    return { path: real, isDirectory: info.isDirectory(), sizeBytes: info.size, modifiedMs: info.mtimeMs };
  }
}
