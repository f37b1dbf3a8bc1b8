import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodeGraphDef, type GraphDef, ImportError, importGraphDef, type ReportedTensor } from '@nereid/importers';
import { describeForeignFile, writeModel } from '@nereid/onnx';
import { type StatusCode, StatusError } from '@nereid/protocol';
import type { Bindings } from './bindings.ts';
import { checkNames } from './check-names.ts';

/** A graph file to translate; plain data, as it may go to a worker. */
export interface TranslationTask {
  readonly path: string;
  readonly modelName: string;
  readonly bindings: Bindings;
}

export interface Translation {
  readonly onnx: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly ReportedTensor[];
  readonly outputs: readonly ReportedTensor[];
  /** Of the bytes that were translated, which the file may have stopped being. */
  readonly contentHash: string;
}

/**
 * Reads a graph file and translates it to ONNX.
 * @throws StatusError: Triton's texts for names the graph does not have, else the importer's, naming model, node and operation
 */
export async function translate(task: TranslationTask): Promise<Translation> {
  const bytes = await readFile(task.path);
  const graph = decode(task, bytes);
  if (graph.nodes.length === 0) throw new StatusError('INTERNAL', `model ${task.modelName} has an empty network`);
  checkNames(task.modelName, graph, task.bindings);
  try {
    const { model, report } = importGraphDef(graph, { ...task.bindings, modelName: task.modelName });
    const contentHash = hash('sha256', bytes);
    return { onnx: writeModel(model), inputs: report.inputs, outputs: report.outputs, contentHash };
  } catch (error) {
    throw asStatusError(error);
  }
}

function decode(task: TranslationTask, bytes: Uint8Array): GraphDef {
  try {
    return decodeGraphDef(bytes);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    // TensorFlow's text, and what it keeps to itself.
    const foreign = describeForeignFile(bytes);
    const reason = foreign === undefined ? error.message : `${error.message} (${foreign})`;
    throw new StatusError('INTERNAL', `Can't parse ${task.path} as binary proto: ${reason}`, { cause: error });
  }
}

const STATUS_CODES: Readonly<Record<ImportError['code'], StatusCode>> = {
  malformed: 'INTERNAL',
  limit: 'INVALID_ARG',
  invalid: 'INVALID_ARG',
  unsupported: 'UNSUPPORTED',
};

function asStatusError(error: unknown): StatusError {
  if (error instanceof ImportError) return new StatusError(STATUS_CODES[error.code], error.message, { cause: error });
  return StatusError.from(error);
}
