import { dataTypeByteSize } from './data-type.ts';
import type { TensorConstant } from './graph-def.ts';

/** Elements moved together: a cache line of floats. */
const BLOCK = 16;

/**
 * A constant with its axes permuted, output axis i being input axis `perm[i]`; undefined for element sizes other than 2 and 4 bytes.
 * 22 million weights have to be moved when an Inception is loaded, so axes that stay together are merged and the innermost loop reads runs.
 */
export function permuteConstant(constant: TensorConstant, perm: readonly number[]): TensorConstant | undefined {
  const byteSize = dataTypeByteSize(constant.dataType);
  if (constant.content.kind !== 'raw' || (byteSize !== 4 && byteSize !== 2)) return undefined;
  const dims = perm.map((axis) => constant.dims[axis] as number);
  const merged = mergeAxes(constant.dims, perm);
  const source = aligned(constant.content.bytes, byteSize);
  const target = byteSize === 4 ? new Uint32Array(source.length) : new Uint16Array(source.length);
  permute(source, target, merged.dims, merged.perm);
  const bytes = new Uint8Array(target.buffer);
  return { dataType: constant.dataType, dims, content: { kind: 'raw', bytes } };
}

/** Drops axes of size 1 and merges neighbours that stay neighbours. */
function mergeAxes(dims: readonly number[], perm: readonly number[]): { dims: number[]; perm: number[] } {
  const groups: number[][] = [];
  for (const axis of perm.filter((candidate) => dims[candidate] !== 1)) {
    const last = groups.at(-1);
    const previous = last?.at(-1);
    // Axes of size 1 in between do not separate.
    const adjacent =
      previous !== undefined && axis > previous && dims.slice(previous + 1, axis).every((size) => size === 1);
    if (adjacent) last?.push(axis);
    else groups.push([axis]);
  }
  const order = groups.toSorted((a, b) => (a[0] as number) - (b[0] as number));
  return {
    dims: order.map((group) => group.reduce((product, axis) => product * (dims[axis] as number), 1)),
    perm: groups.map((group) => order.indexOf(group)),
  };
}

type Elements = Uint32Array | Uint16Array;

function permute(source: Elements, target: Elements, dims: readonly number[], perm: readonly number[]): void {
  if (perm.every((axis, index) => axis === index)) {
    target.set(source);
    return;
  }
  const strides = targetStrides(dims, perm);
  const inner = dims.at(-1) as number;
  const innerStride = strides.at(-1) as number;
  const outer = dims.slice(0, -1);
  const rows = outer.reduce((product, size) => product * size, 1);
  // Per block of columns, so that the lines being written to stay in the cache while the rows go by.
  for (let first = 0; first < inner; first += BLOCK) {
    const last = Math.min(inner, first + BLOCK);
    const index = new Array<number>(outer.length).fill(0);
    let base = 0;
    for (let row = 0; row < rows; row++) {
      const at = row * inner;
      for (let column = first; column < last; column++) {
        target[base + column * innerStride] = source[at + column] as number;
      }
      base = advance(index, outer, strides, base);
    }
  }
}

/** Moves `index` to the next row of the source and returns where that row starts in the target. */
function advance(index: number[], dims: readonly number[], strides: readonly number[], base: number): number {
  let next = base;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const position = (index[axis] as number) + 1;
    const stride = strides[axis] as number;
    if (position < (dims[axis] as number)) {
      index[axis] = position;
      return next + stride;
    }
    next -= (position - 1) * stride;
    index[axis] = 0;
  }
  return next;
}

/** Step in the target per axis of the source. */
function targetStrides(dims: readonly number[], perm: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(0);
  let step = 1;
  for (let index = perm.length - 1; index >= 0; index--) {
    const axis = perm[index] as number;
    strides[axis] = step;
    step *= dims[axis] as number;
  }
  return strides;
}

/** The bytes as elements; copied when they start at an odd place of the file. */
function aligned(bytes: Uint8Array, byteSize: 2 | 4): Elements {
  const whole = bytes.byteOffset % byteSize === 0 ? bytes : new Uint8Array(bytes);
  const length = whole.length / byteSize;
  return byteSize === 4
    ? new Uint32Array(whole.buffer, whole.byteOffset, length)
    : new Uint16Array(whole.buffer, whole.byteOffset, length);
}
