import { stat } from 'node:fs/promises';
import path from 'node:path';
import { StatusError } from '@nereid/protocol';
import type { ModelLoadContext } from '../../inference/index.ts';

const DEFAULT_FILE = 'model.onnx';

/**
 * The ONNX file of a version: `default_model_filename` or `model.onnx`, and `model.onnx` inside it when that is a directory.
 * @throws StatusError with Triton's texts when there is none, INVALID_ARG when the name leaves the version directory
 */
export async function findModelFile(context: ModelLoadContext): Promise<string> {
  const name = context.config.defaultModelFilename || DEFAULT_FILE;
  const file = path.join(context.versionDirectory, name);
  const relative = path.relative(context.versionDirectory, file);
  if (name.includes('\0') || relative === '' || relative.split(path.sep)[0] === '..' || path.isAbsolute(name)) {
    throw new StatusError(
      'INVALID_ARG',
      `model file '${name}' of model '${context.modelName}' is outside of its version directory`,
    );
  }
  const found = await stat(file).catch(() => {
    throw new StatusError('INTERNAL', `failed to stat file ${file}`);
  });
  if (!found.isDirectory()) return file;
  const inner = path.join(file, DEFAULT_FILE);
  await stat(inner).catch(() => {
    throw new StatusError('UNAVAILABLE', `unable to find '${inner}' for model instance '${context.modelName}'`);
  });
  return inner;
}
