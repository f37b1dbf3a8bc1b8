import { stat } from 'node:fs/promises';
import path from 'node:path';
import { StatusError } from '@nereid/protocol';
import type { ModelLoadContext } from '../../inference/index.ts';

const DEFAULT_FILE = 'model.graphdef';

/**
 * The graph of a version: `default_model_filename` or `model.graphdef`.
 * @throws StatusError UNAVAILABLE with Triton's text when there is none, INVALID_ARG when the name leaves the version directory
 */
export async function findGraphFile(
  context: ModelLoadContext,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const name = context.config.defaultModelFilename || DEFAULT_FILE;
  const file = path.join(context.versionDirectory, name);
  const relative = path.relative(context.versionDirectory, file);
  if (name.includes('\0') || relative === '' || relative.split(path.sep)[0] === '..' || path.isAbsolute(name)) {
    throw new StatusError(
      'INVALID_ARG',
      `model file '${name}' of model '${context.modelName}' is outside of its version directory`,
    );
  }
  const found = await stat(file).catch((cause: unknown) => {
    throw new StatusError('UNAVAILABLE', `unable to find '${file}' for model instance '${context.modelName}'`, {
      cause,
    });
  });
  if (!found.isFile())
    throw new StatusError('INVALID_ARG', `'${file}' of model '${context.modelName}' is not a regular file`);
  return { path: file, bytes: found.size };
}
