import { type Attribute, ints, string } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { UNKNOWN } from '../shape-arithmetic.ts';
import { isChannelsFirst } from './layout.ts';

/** A sliding window over the spatial axes (H, W or D, H, W), as convolutions and pools have it. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** `padding` of an axis as ONNX takes it: explicit, or left to ONNX Runtime where the size is not known. */
export interface WindowPadding {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Spatial sizes of the result. */
  readonly sizes: readonly number[];
}

/**
 * The padding of a window over spatial `sizes`.
 * SAME: the result has ceil(size / stride) elements; what is missing is padded half in front, the odd one at the end
 * (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
 */
export function windowPadding(op: OpContext, window: Window, sizes: readonly number[]): WindowPadding {
  for (const list of [window.kernel, window.strides, window.dilations]) {
    if (list.length !== sizes.length) op.invalid(`a window [${list}] over ${sizes.length} spatial dimensions`);
  }
  const padding = op.attributes.string('padding');
  if (padding === 'VALID')
    return explicit(
      window,
      sizes,
      sizes.map(() => [0, 0] as const),
    );
  if (padding === 'EXPLICIT') return explicit(window, sizes, explicitPairs(op, sizes.length));
  if (padding !== 'SAME') return op.invalid(`padding ${padding}`);
  const pairs = sizes.map((size, axis) => samePadding(window, axis, size));
  if (pairs.every((pair) => pair !== undefined)) return explicit(window, sizes, pairs);
  if (window.dilations.some((dilation) => dilation !== 1)) {
    return op.unsupported('SAME padding with strides and dilations needs a known height and width');
  }
  return {
    attributes: { auto_pad: string('SAME_UPPER') },
    sizes: sizes.map((size, axis) => sameSize(window, axis, size)),
  };
}

/** Elements to add in front and at the end; undefined when that depends on a size that is not known. */
export function samePadding(window: Window, axis: number, size: number): readonly [number, number] | undefined {
  const stride = window.strides[axis] as number;
  const extent = windowExtent(window, axis);
  if (size === UNKNOWN && stride !== 1) return undefined;
  const total = size === UNKNOWN ? extent - 1 : Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0);
  const front = Math.floor(total / 2);
  return [front, total - front];
}

/** Elements between the first and the last the window touches, these included. */
export function windowExtent(window: Window, axis: number): number {
  return ((window.kernel[axis] as number) - 1) * (window.dilations[axis] as number) + 1;
}

/** The spatial part of `explicit_paddings`, which has a pair per axis of the input. */
export function explicitPairs(op: OpContext, spatialRank: number): readonly (readonly [number, number])[] {
  const list = op.attributes.ints('explicit_paddings');
  const first = isChannelsFirst(op) ? 2 : 1;
  const pairs = Array.from({ length: list.length / 2 }, (_, axis) => [list[2 * axis], list[2 * axis + 1]] as const);
  if (pairs.length !== spatialRank + 2) op.invalid(`explicit_paddings [${list}]`);
  return pairs.slice(first, first + spatialRank).map(([front, end]) => [front ?? 0, end ?? 0] as const);
}

function sameSize(window: Window, axis: number, size: number): number {
  return size === UNKNOWN ? UNKNOWN : Math.ceil(size / (window.strides[axis] as number));
}

function explicit(
  window: Window,
  sizes: readonly number[],
  pairs: readonly (readonly [number, number])[],
): WindowPadding {
  const result = sizes.map((size, axis) => {
    if (size === UNKNOWN) return UNKNOWN;
    const [front, end] = pairs[axis] as readonly [number, number];
    const steps = Math.floor((size + front + end - windowExtent(window, axis)) / (window.strides[axis] as number));
    return Math.max(steps + 1, 0);
  });
  const isNone = pairs.every(([front, end]) => front === 0 && end === 0);
  const pads = ints([...pairs.map(([front]) => front), ...pairs.map(([, end]) => end)]);
  return { attributes: isNone ? {} : { pads }, sizes: result };
}
