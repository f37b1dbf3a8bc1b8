import type { DataType } from '@nereid/protocol';

/** One input or output of a model as requests are checked against it: configuration with numbers, computed once per load. */
export interface TensorSignature {
  readonly name: string;
  readonly dataType: DataType;
  /** Without the batch dimension; -1 is variable. */
  readonly dims: readonly number[];
  /** The shape the backend wants instead of `dims` (`reshape.shape`), undefined when it is the same. */
  readonly reshape: readonly number[] | undefined;
  readonly optional: boolean;
  readonly allowRaggedBatch: boolean;
}

export interface ModelSignature {
  /** 0: no batch dimension; otherwise tensors carry one in front of `dims`. */
  readonly maxBatchSize: number;
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly inputIndex: ReadonlyMap<string, number>;
  readonly outputIndex: ReadonlyMap<string, number>;
  readonly decoupled: boolean;
}
