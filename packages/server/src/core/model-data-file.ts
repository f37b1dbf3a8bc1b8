import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { getSystemErrorMessage } from 'node:util';
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
    const found = await stat(realLocation);
    // Reading a pipe waits for somebody to write to it.
    if (!found.isFile()) throw cannotRead(location, 'Not a regular file');
    const { size } = found;
    if (size > MAX_MODEL_DATA_BYTES) {
      throw new StatusError(
        'INVALID_ARG',
        `data file '${file}' has ${size} bytes, at most ${MAX_MODEL_DATA_BYTES} are supported`,
      );
    }
    return await readFile(realLocation);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw cannotRead(location, reasonOf(error as NodeJS.ErrnoException), error);
  }
}

function cannotRead(location: string, reason: string, cause?: unknown): StatusError {
  return new StatusError('INTERNAL', `failed to open text file for read ${location}: ${reason}`, { cause });
}

/** The system's words, with a capital letter as in C. */
function reasonOf({ errno, message }: NodeJS.ErrnoException): string {
  if (errno === undefined) return message;
  const text = getSystemErrorMessage(errno);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
