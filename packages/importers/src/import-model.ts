import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { describeForeignFile, encodeModel, FOREIGN_FILE_BYTES } from '@nereid/onnx';
import { type ConversionReport, ImportError } from './shared/index.ts';
import {
  decodeGraphDef,
  type GraphDefImportOptions,
  importGraphDef,
  MATCH_BYTES,
  matchGraphDef,
} from './tensorflow/index.ts';

export type ModelFormat = 'tensorflow_graphdef';

export const MODEL_FORMATS: readonly ModelFormat[] = ['tensorflow_graphdef'];

export interface ImportModelOptions extends GraphDefImportOptions {
  /** Default: what the file looks like. */
  readonly format?: ModelFormat;
}

export interface ImportModelResult {
  /** The ONNX model as the pieces of its file, in order: write them one after the other. */
  readonly onnx: readonly Uint8Array[];
  readonly report: ConversionReport;
}

/**
 * Reads a model file of a format that is known and translates it to ONNX.
 * Throws ImportError: `unsupported` for a format or operation nobody here translates, else what is wrong with the file.
 */
export async function importModel(path: string, options: ImportModelOptions = {}): Promise<ImportModelResult> {
  const modelName = options.modelName ?? basename(path);
  if (options.format === undefined) await checkFormat(path);
  const graph = decode(await readFile(path), modelName);
  const { model, report } = importGraphDef(graph, { ...options, modelName });
  return { onnx: encodeModel(model), report };
}

function decode(bytes: Uint8Array, modelName: string): ReturnType<typeof decodeGraphDef> {
  try {
    return decodeGraphDef(bytes);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    throw new ImportError(error.code, `import TensorFlow model '${modelName}': ${error.message}`, { cause: error });
  }
}

/** Throws ImportError for a file that does not look like any model known here, saying what it looks like. */
async function checkFormat(path: string): Promise<void> {
  const file = await open(path);
  try {
    const length = Math.max(MATCH_BYTES, FOREIGN_FILE_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    const foreign = describeForeignFile(buffer.subarray(0, bytesRead));
    if (foreign === undefined && matchGraphDef(buffer.subarray(0, Math.min(bytesRead, MATCH_BYTES)))) return;
    const formats = `not a model of a known format (${MODEL_FORMATS.join(', ')})`;
    throw new ImportError('unsupported', `import '${path}': ${formats}${foreign === undefined ? '' : `; ${foreign}`}`);
  } finally {
    await file.close();
  }
}
