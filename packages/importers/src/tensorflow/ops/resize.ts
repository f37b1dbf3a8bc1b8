import { string } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { concatenated, shapeVector, sliced } from './common.ts';
import { fromChannelsFirst, toChannelsFirst } from './layout.ts';

/** (N, H, W, C) -> (N, H', W', C); which place of the input a place of the output falls on is the caller's. */
function resized(
  op: OpContext,
  x: Value,
  modes: { readonly mode: string; readonly nearest?: string; readonly coordinates: string },
): Value {
  const input = toChannelsFirst(op, x);
  const [batch, channels] = op.shapeOfRank(input, 4, 'images') as [number, number];
  const size = op.castTo(op.input(1), 'DT_INT64');
  const [height, width] = [size.elements?.[0] ?? UNKNOWN, size.elements?.[1] ?? UNKNOWN];
  const facts = { dataType: input.dataType, shape: [batch, channels, height, width] };
  // All four sizes: ONNX Runtime's transpose optimiser does not understand Resize's `axes`.
  const outer =
    batch === UNKNOWN || channels === UNKNOWN
      ? sliced(op, shapeVector(op, input), { starts: [0], ends: [2], axes: [0] }, [2])
      : op.numbers('DT_INT64', [2], [batch, channels]);
  const sizes = concatenated(op, [outer, size], [4]);
  const result = op.emit('Resize', [input, undefined, undefined, sizes], facts, {
    mode: string(modes.mode),
    coordinate_transformation_mode: string(modes.coordinates),
    ...(modes.nearest === undefined ? {} : { nearest_mode: string(modes.nearest) }),
  });
  return fromChannelsFirst(op, result);
}

function bilinear(op: OpContext): Value {
  // The result is float whatever the input is.
  const x = op.castTo(op.input(0), 'DT_FLOAT');
  if (op.attributes.bool('align_corners', false))
    return resized(op, x, { mode: 'linear', coordinates: 'align_corners' });
  const half = op.attributes.bool('half_pixel_centers', false);
  return resized(op, x, { mode: 'linear', coordinates: half ? 'half_pixel' : 'asymmetric' });
}

function nearestNeighbor(op: OpContext): Value {
  const x = op.input(0);
  const half = op.attributes.bool('half_pixel_centers', false);
  // floor((i + 0.5) * scale) is half_pixel's (i + 0.5) * scale - 0.5, rounded with ties up.
  if (op.attributes.bool('align_corners', false)) {
    return resized(op, x, { mode: 'nearest', nearest: 'round_prefer_ceil', coordinates: 'align_corners' });
  }
  if (half) return resized(op, x, { mode: 'nearest', nearest: 'round_prefer_ceil', coordinates: 'half_pixel' });
  return resized(op, x, { mode: 'nearest', nearest: 'floor', coordinates: 'asymmetric' });
}

export const RESIZE_OPS: readonly TfOp[] = [
  {
    op: 'ResizeBilinear',
    source: "ResizeBilinear(images (N, H, W, C), size [2]; align_corners, half_pixel_centers) -> (N, H', W', C) float",
    target: 'Resize(X (N, C, H, W), sizes; mode = linear, coordinate_transformation_mode)',
    convert: bilinear,
  },
  {
    op: 'ResizeNearestNeighbor',
    source: "ResizeNearestNeighbor(images (N, H, W, C), size [2]; align_corners, half_pixel_centers) -> (N, H', W', C)",
    target: 'Resize(X (N, C, H, W), sizes; mode = nearest, nearest_mode, coordinate_transformation_mode)',
    convert: nearestNeighbor,
  },
];
