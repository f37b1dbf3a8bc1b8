import { StatusError } from '@nereid/protocol';
import { DataType, type ModelInput, type ModelOutput } from '@nereid/protocol/model-config';
import { configDataTypeName, toConfigDataType } from '../../config/index.ts';
import { type ElementType, protocolType } from './format/index.ts';

/** An input or output as the pipeline declares it. */
export interface PipelineIo {
  readonly name: string;
  readonly type: ElementType | undefined;
  /** Dimensions of a sample; undefined when the pipeline does not say. */
  readonly ndim: number | undefined;
}

/** Data type of a config entry, completed from the pipeline's. Throws StatusError with DALI's text when they differ. */
export function matchDataType(io: ModelInput | ModelOutput, name: string, type: ElementType | undefined): DataType {
  const declared = type === undefined ? DataType.TYPE_INVALID : toConfigDataType(protocolType(type));
  if (io.dataType === DataType.TYPE_INVALID) return declared;
  if (type !== undefined && io.dataType !== declared) {
    throw invalid(
      `Mismatch of data_type config for "${name}".\nData type defined in config: ${configDataTypeName(io.dataType)}\n` +
        `Data type defined in pipeline: ${configDataTypeName(declared)}`,
    );
  }
  return io.dataType;
}

/** The config's dims with what the pipeline declares (each extent of a sample is -1; without batching the batch counts as one more). */
export function matchDims(dims: readonly bigint[], name: string, ndim: number, isBatched: boolean): bigint[] {
  const declared = new Array<bigint>(ndim + (isBatched ? 0 : 1)).fill(-1n);
  if (dims.length !== declared.length) {
    throw invalid(
      `Mismatch in number of dimensions for "${name}"\nNumber of dimensions defined in config: ${dims.length}\n` +
        `Number of dimensions defined in pipeline: ${declared.length}`,
    );
  }
  return [...dims];
}

/** Declared dims of an entry that has none. */
export function declaredDims(ndim: number, isBatched: boolean): bigint[] {
  return new Array<bigint>(ndim + (isBatched ? 0 : 1)).fill(-1n);
}

export function invalid(text: string): StatusError {
  return new StatusError('INVALID_ARG', text);
}
