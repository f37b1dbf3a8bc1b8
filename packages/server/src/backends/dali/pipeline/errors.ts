import type { OpDef } from '../format/index.ts';

/** A pipeline that cannot be run: an unknown operator, a bad argument, a tensor nobody produces. Found when the model loads. */
export class PipelineCompileError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'PipelineCompileError';
  }

  static of(op: OpDef, position: number, reason: string): PipelineCompileError {
    return new PipelineCompileError(
      `operator "${op.name}" (instance "${op.instanceName}", number ${position} of the pipeline): ${reason}`,
    );
  }
}

/** What an operator throws when a sample or an argument tensor does not suit it. The executor adds the operator and the sample. */
export class OperatorError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'OperatorError';
  }
}

/** A sample failed. The text follows DALI's: the operator under its Python name, the sample, the reason. */
export class SampleError extends Error {
  constructor(op: OpDef, sample: number, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `Critical error in pipeline:\nError in CPU operator \`nvidia.dali.fn.${pythonName(op.name)}\` (instance "${op.instanceName}") ` +
        `while processing sample #${sample}: ${reason}`,
      { cause },
    );
    this.name = 'SampleError';
  }
}

/** `decoders__Image` -> `decoders.image`, `CropMirrorNormalize` -> `crop_mirror_normalize`. */
export function pythonName(schemaName: string): string {
  return schemaName
    .replace(/^_+/, '')
    .split('__')
    .map((part) => part.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase())
    .join('.');
}
