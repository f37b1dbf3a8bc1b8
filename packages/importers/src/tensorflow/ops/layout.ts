import type { OpContext } from '../op-context.ts';
import type { Value } from '../value.ts';
import { transposed } from './common.ts';

/** True when the node's tensors are (N, C, …) already; `data_format` is NHWC or NDHWC unless said otherwise. */
export function isChannelsFirst(op: OpContext): boolean {
  const format = op.attributes.string('data_format', 'NHWC');
  if (format === 'NCHW' || format === 'NCDHW') return true;
  if (format === 'NHWC' || format === 'NDHWC') return false;
  return op.unsupported(`data_format ${format}`);
}

/**
 * Input (N, …, C), or (N, C, …) under `data_format`, as (N, C, …). ONNX Runtime removes the transposes that meet; a value that was just brought
 * from (N, C, …) is taken back from there without any.
 */
export function toChannelsFirst(op: OpContext, value: Value): Value {
  if (isChannelsFirst(op)) return value;
  const known = value.name === undefined ? undefined : op.state.channelsFirst.get(value.name);
  if (known !== undefined) return known;
  const rank = op.rank(value, 'the input');
  const spatial = Array.from({ length: rank - 2 }, (_, index) => index + 1);
  return transposed(op, value, [0, rank - 1, ...spatial]);
}

/** Inverse of `toChannelsFirst`, for the node's output. */
export function fromChannelsFirst(op: OpContext, value: Value): Value {
  if (isChannelsFirst(op)) return value;
  const rank = op.rank(value, 'the output');
  const spatial = Array.from({ length: rank - 2 }, (_, index) => index + 2);
  const result = transposed(op, value, [0, ...spatial, 1]);
  if (result.name !== undefined) op.state.channelsFirst.set(result.name, value);
  return result;
}

/** The entries of a list that is given per axis of the input (strides, ksize, dilations), for the spatial axes only. */
export function spatialEntries(op: OpContext, list: readonly number[], what: string): readonly number[] {
  const first = isChannelsFirst(op);
  const outer = first ? list.slice(0, 2) : [list[0], list.at(-1)];
  if (list.length < 3 || outer.some((entry) => entry !== 1)) {
    return op.unsupported(`${what} [${list}] over the batch or the channels`);
  }
  const entries = first ? list.slice(2) : list.slice(1, -1);
  if (entries.some((entry) => entry < 1)) return op.invalid(`${what} [${list}]`);
  return entries;
}
