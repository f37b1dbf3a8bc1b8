import type { BytesExtent } from './bytes-walk.ts';
import type { DataType } from './data-type.ts';

/**
 * A named dense tensor, contents in the protocol's binary form: row-major, little-endian, BOOL one byte per element,
 * BYTES as a uint32 little-endian length before each element.
 *
 * Tensors are values: nobody writes into `data` once the tensor was handed on, so steps of an ensemble share it without a copy.
 * `data` need not be aligned to the element size (it is often a slice of a request body); use `typedView` for typed access.
 */
export interface Tensor {
  readonly name: string;
  readonly dataType: DataType;
  /** Full shape, the batch dimension included when there is one. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  /** BYTES: what somebody who walked over the contents found, so that nobody has to again. Says nothing about other `data`. */
  readonly bytesExtent?: BytesExtent | undefined;
}
