/** Largest element count and byte size a tensor may have: a signed 64-bit integer, as in Triton. */
export const MAX_TENSOR_SIZE = 9223372036854775807n;

/** A dimension as it came over the wire: a number where that is exact, else a bigint (two's complement of 64 bits). */
export type WireDim = number | bigint;

/** What `countElements` answers instead of a count. */
export type CountProblem = 'wildcard' | 'invalid' | 'overflow';

/**
 * Number of elements of a shape: 0 for an empty shape or one that holds a 0, otherwise the product. A negative dimension or a product
 * beyond a signed 64-bit integer is reported by name; the first dimension that decides wins, as in Triton's GetElementCount.
 */
export function countElements(shape: readonly WireDim[]): bigint | number | CountProblem {
  if (shape.length === 0) return 0;
  let count = 1;
  for (let index = 0; index < shape.length; index++) {
    const dim = shape[index]!;
    if (typeof dim === 'bigint') return countBigElements(shape);
    if (dim === -1) return 'wildcard';
    if (dim < 0) return 'invalid';
    if (dim === 0) return 0;
    count *= dim;
    if (count > Number.MAX_SAFE_INTEGER) return countBigElements(shape);
  }
  return count;
}

function countBigElements(shape: readonly WireDim[]): bigint | CountProblem {
  let count = 1n;
  for (const wireDim of shape) {
    const dim = BigInt(wireDim);
    if (dim === -1n) return 'wildcard';
    if (dim < 0n) return 'invalid';
    if (dim === 0n) return 0n;
    count *= dim;
    if (count > MAX_TENSOR_SIZE) return 'overflow';
  }
  return count;
}

/** A shape as Triton prints it: `[-1,16]`. */
export function shapeToString(shape: readonly WireDim[]): string {
  return `[${shape.join(',')}]`;
}
