/**
 * DALI's serialised pipeline (`model.dali`) as data: message `dali_proto.PipelineDef` of DALI's `dali/pipeline/proto/dali.proto` (proto2).
 * Field numbers stand beside each field.
 */
export interface PipelineDef {
  /** 1; used when the model configuration names no `num_threads`. */
  readonly numThreads: number;
  /** 2, required. Largest number of samples in a batch. */
  readonly batchSize: number;
  /** 8; has no meaning on a CPU. */
  readonly deviceId: number;
  /** 9 */
  readonly seed: bigint;
  /** 5, in topological order. */
  readonly ops: readonly OpDef[];
  /** 6: names of external sources in files older than the ExternalSource operator. */
  readonly externalInputs: readonly string[];
  /** 7 */
  readonly outputs: readonly InputOutput[];
}

export interface OpDef {
  /** 1, required: the operator's schema name, such as `decoders__Image`. */
  readonly name: string;
  /** 2: regular inputs first, argument inputs after them. */
  readonly inputs: readonly InputOutput[];
  /** 3 */
  readonly outputs: readonly InputOutput[];
  /** 4 */
  readonly args: readonly Argument[];
  /** 5: what the user named the operator, or `__<Class>_<counter>`. */
  readonly instanceName: string;
  /** 6; -1 when the file has none. */
  readonly logicalId: number;
}

export interface InputOutput {
  /** 1, required: the tensor's name. */
  readonly name: string;
  /** 2, required: `cpu` or `gpu`. */
  readonly device: string;
  /** 3: the tensor feeds the argument `argName`. */
  readonly isArgumentInput: boolean;
  /** 4 */
  readonly argName: string;
  /** 5: DALIDataType; -1 when not declared. */
  readonly dtype: number;
  /** 6: sample dimensions; -1 when not declared. */
  readonly ndim: number;
  /** 7 */
  readonly layout: string;
}

/** An argument's value: one element in the list of its type, or (`isVector`) one extra argument per element. */
export interface Argument {
  /** 1, required */
  readonly name: string;
  /** 2: `int64`, `float`, `string` or `bool` (the element's type for a vector). */
  readonly type: string;
  /** 3 */
  readonly floats: readonly number[];
  /** 4 */
  readonly ints: readonly bigint[];
  /** 5 */
  readonly strings: readonly string[];
  /** 6 */
  readonly bools: readonly boolean[];
  /** 7 */
  readonly extraArgs: readonly Argument[];
  /** 8, required */
  readonly isVector: boolean;
}

/** A file that is not a serialised DALI pipeline. `offset` is in bytes from the file's start. */
export class PipelineFormatError extends Error {
  readonly offset: number;

  constructor(offset: number, what: string) {
    super(`${what} at byte ${offset}`);
    this.name = 'PipelineFormatError';
    this.offset = offset;
  }
}
