import { open, rename, rm } from 'node:fs/promises';
import {
  type ConversionReport,
  ImportError,
  importModel,
  MODEL_FORMATS,
  type ModelFormat,
  type ReportedTensor,
} from '@nereid/importers';

export interface ImportOptions {
  readonly output: string;
  readonly format?: string;
  readonly outputs?: readonly string[];
}

/** `nereid import`: writes the ONNX model and says what it consists of. */
export async function runImport(modelPath: string, options: ImportOptions): Promise<number> {
  const format = MODEL_FORMATS.find((each) => each === options.format);
  if (options.format !== undefined && format === undefined) {
    console.error(`import: unknown format '${options.format}'; there is ${MODEL_FORMATS.join(', ')}`);
    return 2;
  }
  try {
    const { onnx, report } = await importModel(modelPath, importOptions(modelPath, format, options));
    const bytes = await writeParts(options.output, onnx);
    console.log(describeReport(report, options.output, bytes));
    return 0;
  } catch (error) {
    if (!(error instanceof ImportError) && !isSystemError(error)) throw error;
    console.error(error.message);
    return 1;
  }
}

function importOptions(modelPath: string, format: ModelFormat | undefined, { outputs }: ImportOptions) {
  return {
    modelName: modelPath,
    ...(format === undefined ? {} : { format }),
    ...(outputs === undefined ? {} : { outputs }),
  };
}

/** Writes beside the target first, so that no half-written model is ever there under its name. */
async function writeParts(path: string, parts: readonly Uint8Array[]): Promise<number> {
  const unfinished = `${path}.${process.pid}.incomplete`;
  try {
    const file = await open(unfinished, 'w');
    try {
      for (const part of parts) await file.writeFile(part);
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function describeReport(report: ConversionReport, path: string, bytes: number): string {
  const tensors = (list: readonly ReportedTensor[]) =>
    list.map(
      ({ name, elementType, shape }) =>
        `    ${name}: ${elementType} ${shape === undefined ? 'of any shape' : `[${shape.join(',')}]`}`,
    );
  const counts = (map: ReadonlyMap<string, number>) => [...map].map(([name, count]) => `${count} ${name}`).join(', ');
  return [
    `${path}: ${(bytes / 1e6).toFixed(1)} MB, ONNX operator set ${report.opset}, from ${report.format}`,
    '  inputs',
    ...tensors(report.inputs),
    '  outputs',
    ...tensors(report.outputs),
    `  weights: ${(report.weightBytes / 1e6).toFixed(1)} MB`,
    `  source operations: ${counts(report.sourceOperations)}`,
    `  ONNX operators: ${counts(report.targetOperators)}`,
  ].join('\n');
}

/** A file that is not there, a full disk: the system's own message names operation and path. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
