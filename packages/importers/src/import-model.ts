import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { encodeModel } from '@nereid/onnx';
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
  const format = options.format ?? (await detectFormat(path));
  if (format === undefined) {
    throw new ImportError(
      'unsupported',
      `import '${path}': not a model of a known format (${MODEL_FORMATS.join(', ')})`,
    );
  }
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

async function detectFormat(path: string): Promise<ModelFormat | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MATCH_BYTES), 0, MATCH_BYTES, 0);
    return matchGraphDef(buffer.subarray(0, bytesRead)) ? 'tensorflow_graphdef' : undefined;
  } finally {
    await file.close();
  }
}
