import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describeForeignFile } from '@nereid/onnx';
import { StatusError } from '@nereid/protocol';
import type { ModelLoadContext } from '../../inference/index.ts';
import { PIPELINE_LIMITS, type PipelineDef, PipelineFormatError, readPipeline } from './format/index.ts';
import { OPERATOR_TABLE } from './operators/index.ts';
import { type CompiledPipeline, compilePipeline, PipelineCompileError } from './pipeline/index.ts';

const DEFAULT_FILE = 'model.dali';
const PYTHON_FILE = 'dali.py';

/** A version's pipeline: the file's bytes (worker threads read them, too), its contents, and its operators bound. */
export interface LoadedPipeline {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly definition: PipelineDef;
  readonly compiled: CompiledPipeline;
}

/**
 * Reads `<version>/<default_model_filename or model.dali>`. Throws StatusError UNKNOWN: no such file, one that is no serialised pipeline, an operator or
 * argument that is not supported, a pipeline in Python only.
 */
export async function loadPipeline(context: ModelLoadContext): Promise<LoadedPipeline> {
  const name = context.config.defaultModelFilename || DEFAULT_FILE;
  checkFileName(name);
  const file = path.join(context.versionDirectory, name);
  context.log.verbose(1, `Attempting to load DALI pipeline from file: ${file}`, 'dali_model.h');
  const bytes = await readModel(file, context);
  const loaded = parse(bytes, file, context);
  context.log.info(`DALI pipeline from file ${file} loaded successfully.`, 'dali_model.h');
  return loaded;
}

/** DALI's rule for the name of a model file. */
function checkFileName(name: string): void {
  const bad = name.match(/[^A-Za-z0-9_.-]/)?.[0];
  if (bad !== undefined) {
    throw loadError(
      `Model file name '${name}' contains an invalid character: '${bad}'\nAllowed characters are: a-z, A-Z, 0-9, _, ., -`,
    );
  }
  if (name.includes('..')) throw loadError(`Invalid '..' sequence found in model path: '${name}'`);
}

async function readModel(file: string, context: ModelLoadContext): Promise<Uint8Array> {
  const size = await sizeOf(file);
  const fallback = path.join(context.versionDirectory, PYTHON_FILE);
  if (size === undefined && (await sizeOf(fallback)) !== undefined) throw pythonError(fallback, context.modelName);
  if (size === undefined) {
    throw loadError(
      `Failed to load model file. The program looked in the following locations: ${file}, ${fallback}. ` +
        'Please make sure that the model exists in any of the locations and is properly serialized or can be properly serialized.',
    );
  }
  if (file.endsWith('.py')) throw pythonError(file, context.modelName);
  if (size > PIPELINE_LIMITS.maxBytes)
    throw loadError(`${file} has ${size} bytes; a serialized pipeline may have ${PIPELINE_LIMITS.maxBytes}`);
  return readFile(file).catch((error: unknown) => {
    throw loadError(`Failed to open model file: ${file} (${error instanceof Error ? error.message : error})`);
  });
}

/** Undefined unless it is a regular file. */
async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

/** Pipelines in Python run arbitrary code, and need DALI itself to become a serialised pipeline. */
function pythonError(file: string, modelName: string): StatusError {
  return loadError(
    `${file} defines the pipeline in Python, which this server does not run. Serialize it once where DALI is installed, with ` +
      `\`pipe().serialize(filename="${DEFAULT_FILE}")\`, and put the file into the version directory of model '${modelName}' in its place.`,
  );
}

function parse(bytes: Uint8Array, file: string, context: ModelLoadContext): LoadedPipeline {
  try {
    const definition = readPipeline(bytes);
    return { path: file, bytes, definition, compiled: compilePipeline(definition, OPERATOR_TABLE) };
  } catch (error) {
    if (error instanceof PipelineFormatError) {
      const foreign = describeForeignFile(bytes);
      const reason = foreign === undefined ? error.message : `${error.message} (${foreign})`;
      throw loadError(`${file} is not a serialized DALI pipeline: ${reason}`);
    }
    if (error instanceof PipelineCompileError) {
      throw new StatusError(
        'UNKNOWN',
        `Error while instantiating DALI pipeline: model '${context.modelName}': ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
}

function loadError(text: string): StatusError {
  return new StatusError('UNKNOWN', `DALI Backend error: ${text}`);
}
