import { type ElementType, elementTypeCode } from '../element-type.ts';
import type { Attribute } from '../model.ts';
import { int, ints } from './attributes.ts';
import type { GraphBuilder, NodeOptions } from './graph-builder.ts';

/**
 * Operators whose signature changed between operator sets, or takes constants as inputs. Importers call these and know nothing of either.
 * Each returns the name of its (first) output; `options` as in `GraphBuilder.node`.
 */
export type ReduceOperator =
  | 'ReduceMean'
  | 'ReduceMax'
  | 'ReduceMin'
  | 'ReduceSum'
  | 'ReduceProd'
  | 'ReduceL2'
  | 'ReduceLogSumExp';

export function cast(graph: GraphBuilder, x: string, to: ElementType, options?: NodeOptions): string {
  return one(graph, 'Cast', [x], { to: int(elementTypeCode(to)) }, options);
}

/** (d0, …, dn) -> (d[perm[0]], …, d[perm[n]]) */
export function transpose(graph: GraphBuilder, x: string, perm: readonly number[], options?: NodeOptions): string {
  return one(graph, 'Transpose', [x], { perm: ints(perm) }, options);
}

/** `shape` names an int64 vector or gives one. A 0 means an empty dimension, at most one -1 the rest. */
export function reshape(
  graph: GraphBuilder,
  x: string,
  shape: string | readonly number[],
  options?: NodeOptions,
): string {
  // `allowzero` takes 0 as it is; without it 0 means "copy", and with -1 beside a 0 ONNX allows neither reading.
  const copies = typeof shape !== 'string' && !shape.includes(0);
  return one(graph, 'Reshape', [x, int64s(graph, shape)], copies ? {} : { allowzero: int(1) }, options);
}

export function squeeze(graph: GraphBuilder, x: string, axes: readonly number[], options?: NodeOptions): string {
  return one(graph, 'Squeeze', [x, int64s(graph, axes)], {}, options);
}

export function unsqueeze(graph: GraphBuilder, x: string, axes: readonly number[], options?: NodeOptions): string {
  return one(graph, 'Unsqueeze', [x, int64s(graph, axes)], {}, options);
}

export function reduce(
  graph: GraphBuilder,
  operator: ReduceOperator,
  x: string,
  axes: string | readonly number[],
  keepDims: boolean,
  options?: NodeOptions,
): string {
  const attributes = { keepdims: int(keepDims ? 1 : 0), noop_with_empty_axes: int(1) };
  return one(graph, operator, [x, int64s(graph, axes)], attributes, options);
}

export interface SliceArguments {
  readonly starts: string | readonly number[];
  readonly ends: string | readonly number[];
  readonly axes?: string | readonly number[];
  readonly steps?: string | readonly number[];
}

export function slice(graph: GraphBuilder, x: string, slices: SliceArguments, options?: NodeOptions): string {
  const optional = (values: string | readonly number[] | undefined): string =>
    values === undefined ? '' : int64s(graph, values);
  const inputs = [
    x,
    int64s(graph, slices.starts),
    int64s(graph, slices.ends),
    optional(slices.axes),
    optional(slices.steps),
  ];
  return one(graph, 'Slice', inputs, {}, options);
}

/** `x` cut along `axis` into parts of `sizes`; the outputs' names. */
export function split(
  graph: GraphBuilder,
  x: string,
  sizes: string | readonly number[],
  axis: number,
  outputs: readonly string[],
): string[] {
  return graph.node('Split', [x, int64s(graph, sizes)], { attributes: { axis: int(axis) }, outputs });
}

/** The name of a 1-D int64 constant; a name is passed through. */
export function int64s(graph: GraphBuilder, values: string | readonly number[]): string {
  return typeof values === 'string' ? values : graph.numbers('int64', [values.length], values);
}

function one(
  graph: GraphBuilder,
  opType: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
  options: NodeOptions | undefined,
): string {
  return graph.node(opType, inputs, { ...options, attributes: { ...attributes, ...options?.attributes } })[0] as string;
}
