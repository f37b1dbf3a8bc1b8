import type { OpFacts } from '../shared/index.ts';
import type { Fold } from './fold.ts';
import type { OpContext } from './op-context.ts';
import type { Value } from './value.ts';

/**
 * A TensorFlow operation and its translation. `source` and `target` are the two signatures: shapes as (N, H, W, C) on the TensorFlow side and
 * (N, C, H, W) on the ONNX side.
 */
export interface TfOp extends OpFacts {
  /** Writes the node and returns its outputs in order. Throws ImportError naming the node for what it does not translate. */
  readonly convert: (op: OpContext) => Value | readonly Value[];
  readonly fold?: Fold;
}

/** The same operation under several names (`Add`, `AddV2`). */
export function aliases(names: readonly string[], definition: Omit<TfOp, 'op'>): TfOp[] {
  return names.map((op) => ({ op, ...definition, source: definition.source.replace(/^\w+/, op) }));
}
