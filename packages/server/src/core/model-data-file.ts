import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { StatusError } from '@nereid/protocol';

/** Above this a data file beside a model is a mistake in the configuration. */
export const MAX_MODEL_DATA_BYTES = 2 ** 31;

/**
 * Reads a file that a configuration names inside one of its model's directories.
 * @throws StatusError INVALID_ARG when it lies outside, also by symbolic links, or is too large; INTERNAL when it cannot be read
 */
export async function readModelData(directory: string, file: string): Promise<Uint8Array> {
  const location = path.resolve(directory, file);
  const outside = new StatusError(
    'INVALID_ARG',
    `data file '${file}' is outside of the model's directory '${path.basename(directory)}'`,
  );
  if (!location.startsWith(directory + path.sep)) throw outside;
  try {
    const [realLocation, realDirectory] = await Promise.all([realpath(location), realpath(directory)]);
    if (!realLocation.startsWith(realDirectory + path.sep)) throw outside;
    const { size } = await stat(realLocation);
    if (size > MAX_MODEL_DATA_BYTES) {
      throw new StatusError(
        'INVALID_ARG',
        `data file '${file}' has ${size} bytes, at most ${MAX_MODEL_DATA_BYTES} are supported`,
      );
    }
    return await readFile(realLocation);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw new StatusError(
      'INTERNAL',
      `failed to read data file '${file}': ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
