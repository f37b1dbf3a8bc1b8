import type { Shape } from './graph-def.ts';

/** An unknown dimension, as in TensorShapeProto. */
export const UNKNOWN = -1;

/** Product of the dimensions, undefined when one is unknown. */
export function sizeOf(shape: Shape): number | undefined {
  if (shape === undefined || shape.includes(UNKNOWN)) return undefined;
  return shape.reduce((product, size) => product * size, 1);
}

/** True when rank and every dimension are known. */
export function isStatic(shape: Shape): shape is readonly number[] {
  return shape !== undefined && !shape.includes(UNKNOWN);
}

/** NumPy's broadcasting. Undefined rank when one is; throws RangeError for shapes that do not broadcast. */
export function broadcast(a: Shape, b: Shape): Shape {
  if (a === undefined || b === undefined) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index) => {
    const left = a[index - rank + a.length] ?? 1;
    const right = b[index - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    if (left === UNKNOWN) return right;
    if (right === UNKNOWN) return left;
    throw new RangeError(`shapes [${a}] and [${b}] do not broadcast`);
  });
}

/** `axis` counted from the end when negative; throws RangeError outside the rank. */
export function normalizeAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (normalized < 0 || normalized >= rank) throw new RangeError(`axis ${axis} is outside rank ${rank}`);
  return normalized;
}

/** Shape without `axes`, or with 1 in their place. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  if (shape === undefined) return undefined;
  const reduced = new Set(axes.map((axis) => normalizeAxis(axis, shape.length)));
  if (keepDims) return shape.map((size, index) => (reduced.has(index) ? 1 : size));
  return shape.filter((_, index) => !reduced.has(index));
}

/** Sum of sizes, unknown when one is. */
export function addSizes(...sizes: readonly number[]): number {
  return sizes.includes(UNKNOWN) ? UNKNOWN : sizes.reduce((sum, size) => sum + size, 0);
}

export function mulSizes(...sizes: readonly number[]): number {
  if (sizes.includes(0)) return 0;
  return sizes.includes(UNKNOWN) ? UNKNOWN : sizes.reduce((product, size) => product * size, 1);
}

/** Dimensions of which one shape may know more than the other. */
export function mergeShapes(a: Shape, b: Shape): Shape {
  if (a === undefined) return b;
  if (b === undefined || a.length !== b.length) return a;
  return a.map((size, index) => (size === UNKNOWN ? (b[index] as number) : size));
}

export function printShape(shape: Shape): string {
  return shape === undefined ? '<unknown rank>' : `[${shape}]`;
}
