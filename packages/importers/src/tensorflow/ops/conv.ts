import { int, ints } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { reshaped, transposed } from './common.ts';
import { fromChannelsFirst, spatialEntries, toChannelsFirst } from './layout.ts';
import { type Window, windowPadding } from './window.ts';

/** input (N, [D,] H, W, C), filter ([kD,] kH, kW, C / groups, M) -> (N, M, [oD,] oH, oW) */
export function convolution(op: OpContext, spatialRank: number): Value {
  const x = toChannelsFirst(op, op.input(0));
  const filter = op.input(1);
  const [, channels, ...sizes] = op.shapeOfRank(x, spatialRank + 2, 'the input') as [number, number, ...number[]];
  const filterShape = op.shapeOfRank(filter, spatialRank + 2, 'the filter');
  const [inputDepth, outputDepth] = filterShape.slice(-2) as [number, number];
  if (inputDepth === UNKNOWN) op.unsupported('the depth of the filter is not known');
  const groups = channels === UNKNOWN ? 1 : channels / inputDepth;
  if (!Number.isInteger(groups) || groups < 1)
    op.invalid(`the input has ${channels} channels, the filter ${inputDepth}`);
  const axes = Array.from({ length: spatialRank }, (_, index) => index);
  const weights = transposed(op, filter, [spatialRank + 1, spatialRank, ...axes]);
  return convolved(op, x, weights, { groups, channels: outputDepth, kernel: filterShape.slice(0, -2), sizes });
}

/** input (N, H, W, C), filter (kH, kW, C, multiplier) -> (N, C * multiplier, oH, oW) */
export function depthwiseConvolution(op: OpContext): Value {
  const x = toChannelsFirst(op, op.input(0));
  const filter = op.input(1);
  const [, , ...sizes] = op.shapeOfRank(x, 4, 'the input');
  const [height, width, channels, multiplier] = op.shapeOfRank(filter, 4, 'the filter') as [
    number,
    number,
    number,
    number,
  ];
  if ([height, width, channels, multiplier].includes(UNKNOWN)) op.unsupported('the shape of the filter is not known');
  const outputs = channels * multiplier;
  const weights = reshaped(op, transposed(op, filter, [2, 3, 0, 1]), [outputs, 1, height, width]);
  return convolved(op, x, weights, { groups: channels, channels: outputs, kernel: [height, width], sizes });
}

interface ConvolutionFacts {
  readonly groups: number;
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly sizes: readonly number[];
}

function convolved(op: OpContext, x: Value, weights: Value, facts: ConvolutionFacts): Value {
  if (facts.kernel.includes(UNKNOWN)) op.unsupported('the height and width of the filter are not known');
  const rank = facts.sizes.length + 2;
  const ones = new Array<number>(rank).fill(1);
  const strides = spatialEntries(op, op.attributes.ints('strides'), 'strides');
  const dilations = spatialEntries(op, op.attributes.ints('dilations', ones), 'dilations');
  const window: Window = { kernel: facts.kernel, strides, dilations };
  const padding = windowPadding(op, window, facts.sizes);
  const shape = [x.shape?.[0] ?? UNKNOWN, facts.channels, ...padding.sizes];
  return op.emit(
    'Conv',
    [x, weights],
    { dataType: x.dataType, shape },
    {
      kernel_shape: ints(facts.kernel),
      strides: ints(strides),
      dilations: ints(dilations),
      group: int(facts.groups),
      ...padding.attributes,
    },
  );
}

export const CONV_OPS: readonly TfOp[] = [
  {
    op: 'Conv2D',
    source:
      'Conv2D(input (N, H, W, C), filter (kH, kW, C / groups, M); strides, padding SAME|VALID|EXPLICIT, explicit_paddings, data_format, dilations) -> (N, oH, oW, M)',
    target: 'Conv(X (N, C, H, W), W (M, C / groups, kH, kW)) -> (N, M, oH, oW)',
    limits:
      'Strides or dilations over batch or channels. SAME with both strides and dilations needs a known height and width.',
    convert: (op) => fromChannelsFirst(op, convolution(op, 2)),
  },
  {
    op: 'Conv3D',
    source:
      'Conv3D(input (N, D, H, W, C), filter (kD, kH, kW, C, M); strides, padding, data_format, dilations) -> (N, oD, oH, oW, M)',
    target: 'Conv(X (N, C, D, H, W), W (M, C, kD, kH, kW)) -> (N, M, oD, oH, oW)',
    convert: (op) => fromChannelsFirst(op, convolution(op, 3)),
  },
  {
    op: 'DepthwiseConv2dNative',
    source:
      'DepthwiseConv2dNative(input (N, H, W, C), filter (kH, kW, C, m); strides, padding, explicit_paddings, data_format, dilations) -> (N, oH, oW, C * m)',
    target: 'Conv(X (N, C, H, W), W (C * m, 1, kH, kW); group = C) -> (N, C * m, oH, oW)',
    convert: (op) => fromChannelsFirst(op, depthwiseConvolution(op)),
  },
];
