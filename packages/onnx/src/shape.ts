import { OnnxError } from './onnx-error.ts';

/** Product of `dims`; OnnxError `invalid` for a negative or fractional dimension and for a product beyond 2^53. */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw new OnnxError('invalid', `dimension ${dim} in shape [${dims}]`);
    count *= dim;
  }
  if (!Number.isSafeInteger(count)) throw new OnnxError('invalid', `shape [${dims}] has too many elements`);
  return count;
}
