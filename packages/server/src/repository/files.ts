import { constants, readdirSync, statSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StatusError } from '@nereid/protocol';
import type { DirectoryListing } from '../config/index.ts';
import { compareBytes } from './model-id.ts';

/** `parent/name` as messages show it: what is in `parent` stays as it was given. */
export function joinPath(parent: string, name: string): string {
  return `${parent.replace(/\/$/, '')}/${name.replace(/^\//, '')}`;
}

/** Whether `path` leads to a directory. @throws StatusError INTERNAL when it cannot be looked at */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new StatusError('INTERNAL', `failed to stat file ${path}`, { cause: error });
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Names of the directories in `path`, those that links lead to as well, sorted. @throws StatusError INTERNAL */
export async function listSubdirectories(path: string): Promise<string[]> {
  const listing = await listDirectory(path);
  return [...listing].filter(([, kind]) => kind === 'directory').map(([name]) => name);
}

/** What is in `path`, sorted by name; links count as what they lead to. @throws StatusError INTERNAL when it cannot be opened */
export async function listDirectory(path: string): Promise<DirectoryListing> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    throw new StatusError('INTERNAL', `failed to open directory ${path}`, { cause: error });
  }
  const listing = new Map<string, 'file' | 'directory'>();
  for (const name of names.sort(compareBytes)) {
    const child = join(path, name);
    const directory = await stat(child).then(
      (found) => found.isDirectory(),
      () => false,
    );
    listing.set(name, directory ? 'directory' : 'file');
  }
  return listing;
}

/** As `listSubdirectories`, for the index of the repository, which is answered at once. */
export function listSubdirectoriesSync(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    const isDirectoryEntry = (entry: (typeof entries)[number]) =>
      entry.isDirectory() ||
      (entry.isSymbolicLink() && (statSync(join(path, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false));
    return entries
      .filter(isDirectoryEntry)
      .map((entry) => entry.name)
      .sort(compareBytes);
  } catch (error) {
    throw new StatusError('INTERNAL', `failed to open directory ${path}`, { cause: error });
  }
}

/**
 * Reads a whole file that must be a regular one. A FIFO, a socket or a device is refused without waiting for it, a file above `maxBytes`
 * before anything of it is read.
 * @param path as messages show it
 * @param canonical what was checked to be the file behind `path`: it is opened, and only if no link was put in its place since
 * @throws StatusError INTERNAL
 */
export async function readRegularFile(path: string, maxBytes: number, canonical?: string): Promise<Buffer> {
  // Opening a FIFO without O_NONBLOCK waits for somebody to write to it.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (canonical === undefined ? 0 : constants.O_NOFOLLOW);
  const file = await open(canonical ?? path, flags).catch((error: unknown) => {
    throw readError(path, describe(error), error);
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw readError(path, 'Not a regular file');
    if (found.size > maxBytes)
      throw readError(path, `File too large: ${found.size} bytes, at most ${maxBytes} are read`);
    const buffer = Buffer.alloc(found.size);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } catch (error) {
    throw error instanceof StatusError ? error : readError(path, describe(error), error);
  } finally {
    await file.close();
  }
}

function readError(path: string, reason: string, cause?: unknown): StatusError {
  return new StatusError('INTERNAL', `failed to open text file for read ${path}: ${reason}`, { cause });
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'No such file or directory'],
  ['EACCES', 'Permission denied'],
  ['EISDIR', 'Is a directory'],
  ['ENOTDIR', 'Not a directory'],
  ['ELOOP', 'Too many levels of symbolic links'],
  ['ENXIO', 'No such device or address'],
  ['ENAMETOOLONG', 'File name too long'],
]);

/** The system's words for an error code, as strerror has them. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS.get(code) ?? (error instanceof Error ? error.message : String(error));
}
