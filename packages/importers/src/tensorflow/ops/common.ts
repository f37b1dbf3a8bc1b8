import { type ReduceOperator, reduce, reshape, slice, squeeze, transpose, unsqueeze } from '@nereid/onnx';
import type { Shape } from '../graph-def.ts';
import type { OpContext, Operand } from '../op-context.ts';
import { permuteConstant } from '../permute.ts';
import { broadcast, normalizeAxis, printShape, reducedShape, sizeOf, UNKNOWN } from '../shape-arithmetic.ts';
import { computedValue, constantValue, type Value } from '../value.ts';

/** `axis` counted from the front; refuses the node when it is outside the rank. */
export function axisOf(op: OpContext, axis: number, rank: number): number {
  try {
    return normalizeAxis(axis, rank);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return op.invalid(error.message);
  }
}

/** The shape two operands broadcast to; refuses the node when they do not. */
export function broadcastShape(op: OpContext, a: Shape, b: Shape): Shape {
  try {
    return broadcast(a, b);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return op.invalid(error.message);
  }
}

/** (d0, …, dn) -> (d[perm[0]], …, d[perm[n]]). Weights are moved here, everything else when the model runs. */
export function transposed(op: OpContext, value: Value, perm: readonly number[]): Value {
  const shape = value.shape === undefined ? undefined : perm.map((axis) => value.shape?.[axis] ?? UNKNOWN);
  if (value.constant !== undefined) {
    const known = op.state.permuted.get(value.constant)?.get(String(perm));
    if (known !== undefined) return known;
    const permuted = permuteConstant(value.constant, perm);
    if (permuted !== undefined) {
      const result = constantValue(permuted);
      const byPerm = op.state.permuted.get(value.constant) ?? new Map<string, Value>();
      op.state.permuted.set(value.constant, byPerm.set(String(perm), result));
      return result;
    }
  }
  const name = transpose(op.state.builder, op.nameOf(value), perm, { outputs: [op.newName('Transpose')] });
  return computedValue(name, value.dataType, shape);
}

/** A new shape for the same elements, at most one dimension of it -1. A constant stays one. */
export function reshaped(op: OpContext, value: Value, dims: readonly number[], shape: Shape = dims): Value {
  const size = sizeOf(dims);
  if (value.constant !== undefined && size !== undefined && size === sizeOf(value.shape)) {
    return constantValue({ ...value.constant, dims });
  }
  const name = reshape(op.state.builder, op.nameOf(value), dims, { outputs: [op.newName('Reshape')] });
  return computedValue(name, value.dataType, shape, value.elements);
}

/** A shape that only a run knows: `dims` is an int64 vector. */
export function reshapedTo(op: OpContext, value: Value, dims: Value, shape: Shape): Value {
  const name = reshape(op.state.builder, op.nameOf(value), op.nameOf(dims), { outputs: [op.newName('Reshape')] });
  return computedValue(name, value.dataType, shape, value.elements);
}

/** Removes axes of size 1, counted from the front. */
export function squeezed(op: OpContext, value: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return value;
  const name = squeeze(op.state.builder, op.nameOf(value), axes, { outputs: [op.newName('Squeeze')] });
  return computedValue(name, value.dataType, reducedShape(value.shape, axes, false), value.elements);
}

/** Adds axes of size 1 where `axes` (counted from the front, in the result) say. */
export function unsqueezed(op: OpContext, value: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return value;
  const { shape } = value;
  let expanded: number[] | undefined;
  if (shape !== undefined) {
    const old = shape.values();
    const positions = Array.from({ length: shape.length + axes.length }, (_, index) => index);
    expanded = positions.map((index) => (axes.includes(index) ? 1 : (old.next().value ?? UNKNOWN)));
  }
  if (value.constant !== undefined && expanded !== undefined)
    return constantValue({ ...value.constant, dims: expanded });
  const name = unsqueeze(op.state.builder, op.nameOf(value), axes, { outputs: [op.newName('Unsqueeze')] });
  return computedValue(name, value.dataType, expanded, value.elements);
}

export interface SliceBounds {
  readonly starts: readonly number[] | Value;
  readonly ends: readonly number[] | Value;
  readonly axes: readonly number[];
  readonly steps?: readonly number[];
}

/** Ranges along axes; bounds that are values are int64 vectors. `shape` is the result's. */
export function sliced(op: OpContext, value: Value, bounds: SliceBounds, shape: Shape): Value {
  const vector = (numbers: readonly number[] | Value): string | readonly number[] =>
    'dataType' in numbers ? op.nameOf(numbers) : numbers;
  const slices = {
    starts: vector(bounds.starts),
    ends: vector(bounds.ends),
    axes: bounds.axes,
    ...(bounds.steps === undefined ? {} : { steps: bounds.steps }),
  };
  const name = slice(op.state.builder, op.nameOf(value), slices, { outputs: [op.newName('Slice')] });
  return computedValue(name, value.dataType, shape);
}

/** A reduction over axes counted from the front, computed in a type that ONNX Runtime has. */
export function reduced(
  op: OpContext,
  operator: ReduceOperator,
  value: Value,
  axes: readonly number[],
  keepDims: boolean,
): Value {
  const name = reduce(op.state.builder, operator, op.nameOf(value), axes, keepDims, {
    outputs: [op.newName(operator)],
  });
  return computedValue(name, value.dataType, reducedShape(value.shape, axes, keepDims));
}

/** An operator of two operands that broadcast; the result has their type unless `dataType` says otherwise. */
export function binary(op: OpContext, opType: string, a: Value, b: Value, dataType = a.dataType): Value {
  return op.emit(opType, [a, b], { dataType, shape: broadcastShape(op, a.shape, b.shape) });
}

/** An operator of one operand that keeps its shape. */
export function unary(op: OpContext, opType: string, x: Value, dataType = x.dataType): Value {
  return op.emit(opType, [x], { dataType, shape: x.shape });
}

/** `condition ? a : b`, all broadcasting. */
export function where(op: OpContext, condition: Value, a: Value, b: Value): Value {
  const shape = broadcastShape(op, condition.shape, broadcastShape(op, a.shape, b.shape));
  return op.emit('Where', [condition, a, b], { dataType: a.dataType, shape });
}

/** An int64 vector of a tensor's sizes. */
export function shapeVector(op: OpContext, value: Value): Value {
  const rank = value.shape?.length;
  const elements = value.shape?.map((size) => (size === UNKNOWN ? undefined : size));
  const facts = { dataType: 'DT_INT64' as const, shape: [rank ?? UNKNOWN] };
  return op.emit('Shape', [value], elements === undefined ? facts : { ...facts, elements });
}

/** int64 vectors one after the other. */
export function concatenated(op: OpContext, parts: readonly Operand[], shape: Shape): Value {
  const name = op.newName('Concat');
  op.state.builder.node(
    'Concat',
    parts.map((part) => op.nameOf(part)),
    {
      attributes: { axis: { kind: 'int', value: 0n } },
      outputs: [name],
    },
  );
  return computedValue(name, 'DT_INT64', shape);
}

/** Refuses the node unless `axis` of `value` has a known size. */
export function knownSize(op: OpContext, value: Value, axis: number, what: string): number {
  const size = value.shape?.[axis] ?? UNKNOWN;
  if (size === UNKNOWN) op.unsupported(`${what} must be known, the shape is ${printShape(value.shape)}`);
  return size;
}
