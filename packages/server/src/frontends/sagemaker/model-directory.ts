import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const CONFIG_FILE = 'config.pbtxt';
const ENSEMBLE = /platform:\s*"ensemble"/;
/** As much of a configuration as is read to see whether it is an ensemble's. */
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

/** A repository to register, and which of its directories is the model. */
export interface ModelLocation {
  readonly repository: string;
  readonly subdirectory: string;
}

/**
 * Finds the model in an unpacked archive: the directory itself when it has a configuration, else the ensemble among its directories, else
 * the last of those with a configuration, else the last of all.
 */
export async function locateModel(directory: string): Promise<ModelLocation> {
  if ((await readConfig(directory)) !== undefined) {
    return { repository: dirname(directory), subdirectory: basename(directory) };
  }
  let last = '';
  let configured = '';
  for (const name of await subdirectories(directory)) {
    last = name;
    const config = await readConfig(join(directory, name));
    if (config === undefined) continue;
    configured = name;
    if (ENSEMBLE.test(config)) return { repository: directory, subdirectory: name };
  }
  return { repository: directory, subdirectory: configured === '' ? last : configured };
}

async function subdirectories(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch {
    // The repository says what is wrong with the directory when it is registered.
    return [];
  }
}

async function readConfig(directory: string): Promise<string | undefined> {
  try {
    // A pipe is opened without waiting for its other end.
    const file = await open(join(directory, CONFIG_FILE), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) return undefined;
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(Math.min(found.size, MAX_CONFIG_BYTES)) });
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
