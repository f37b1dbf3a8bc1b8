import type { ElementArray } from './sample-tensor.ts';

/** Elements to go per step of each dimension of a dense row-major tensor. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d]!;
  }
  return strides;
}

/** A walk over a box of elements, seen from two sides with strides and start offsets of their own. */
export interface StridedCopy {
  readonly shape: readonly number[];
  readonly source: { readonly offset: number; readonly strides: readonly number[] };
  readonly destination: { readonly offset: number; readonly strides: readonly number[] };
}

/** Calls `row` for every line along the last dimension: offsets of its first element on both sides, and the index in the outer dimensions. */
export function forEachRow(
  copy: StridedCopy,
  row: (source: number, destination: number, index: readonly number[]) => void,
): void {
  const { shape, source, destination } = copy;
  if (shape.some((extent) => extent === 0)) return;
  const outer = Math.max(shape.length - 1, 0);
  const index = new Array<number>(outer).fill(0);
  let from = source.offset;
  let to = destination.offset;
  for (;;) {
    row(from, to, index);
    let d = outer - 1;
    for (; d >= 0; d--) {
      index[d] = index[d]! + 1;
      from += source.strides[d]!;
      to += destination.strides[d]!;
      if (index[d]! < shape[d]!) break;
      from -= source.strides[d]! * shape[d]!;
      to -= destination.strides[d]! * shape[d]!;
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

/** Copies a box of elements between two arrays of the same kind. */
export function copyStrided(from: ElementArray, to: ElementArray, copy: StridedCopy): void {
  const merged = mergeDimensions(copy);
  const last = merged.shape.length - 1;
  const length = last < 0 ? 1 : merged.shape[last]!;
  const fromStep = last < 0 ? 1 : merged.source.strides[last]!;
  const toStep = last < 0 ? 1 : merged.destination.strides[last]!;
  const source = from as Uint8Array;
  const destination = to as Uint8Array;
  forEachRow(merged, (fromStart, toStart) => {
    if (fromStep === 1 && toStep === 1 && length > 16) {
      destination.set(source.subarray(fromStart, fromStart + length), toStart);
      return;
    }
    for (let i = 0, a = fromStart, b = toStart; i < length; i++, a += fromStep, b += toStep)
      destination[b] = source[a]!;
  });
}

/** Joins neighbouring dimensions that are one run of memory on both sides, so that rows are as long as can be. */
function mergeDimensions({ shape, source, destination }: StridedCopy): StridedCopy {
  const dimensions: { extent: number; from: number; to: number }[] = [];
  shape.forEach((extent, d) => {
    const [from, to] = [source.strides[d]!, destination.strides[d]!];
    const outer = dimensions.at(-1);
    if (outer !== undefined && outer.from === from * extent && outer.to === to * extent) {
      dimensions[dimensions.length - 1] = { extent: outer.extent * extent, from, to };
    } else dimensions.push({ extent, from, to });
  });
  return {
    shape: dimensions.map(({ extent }) => extent),
    source: { offset: source.offset, strides: dimensions.map(({ from }) => from) },
    destination: { offset: destination.offset, strides: dimensions.map(({ to }) => to) },
  };
}
