const MAX_INT64 = 0x7fffffffffffffffn;
export const WILDCARD_DIM = -1n;

/** Elements of a tensor with these dims; why there is no number otherwise. */
export type ElementCount = bigint | 'variable' | 'invalid' | 'overflow';

/** Product of `dims`, by Triton's rules: the first -1 makes it variable, no dims give 0, above 2^63-1 it overflows. */
export function elementCount(dims: readonly bigint[]): ElementCount {
  let count = 0n;
  for (const [index, dim] of dims.entries()) {
    if (dim === WILDCARD_DIM) return 'variable';
    if (dim < 0n) return 'invalid';
    count = index === 0 ? dim : count * dim;
    if (count > MAX_INT64) return 'overflow';
  }
  return count;
}

/** `[-1,16]` */
export function printDims(dims: readonly (bigint | number)[]): string {
  return `[${dims.join(',')}]`;
}

/** Equal rank, and equal dims wherever neither is -1. */
export function dimsMatch(a: readonly bigint[], b: readonly bigint[]): boolean {
  return (
    a.length === b.length &&
    a.every((dim, index) => dim === WILDCARD_DIM || b[index] === WILDCARD_DIM || dim === b[index])
  );
}
