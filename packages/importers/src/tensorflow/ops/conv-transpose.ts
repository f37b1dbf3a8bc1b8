import { ints } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { transposed } from './common.ts';
import { fromChannelsFirst, isChannelsFirst, spatialEntries, toChannelsFirst } from './layout.ts';
import { explicitPairs, samePadding, type Window, windowExtent } from './window.ts';

export const CONV_TRANSPOSE_OPS: readonly TfOp[] = [
  {
    op: 'Conv2DBackpropInput',
    source:
      'Conv2DBackpropInput(input_sizes [4] = (N, H, W, C), filter (kH, kW, C, M), out_backprop (N, h, w, M); strides, padding, explicit_paddings, data_format, dilations) -> (N, H, W, C)',
    target: 'ConvTranspose(X (N, M, h, w), W (M, C, kH, kW); pads, output_padding) -> (N, C, H, W)',
    limits: 'Height and width of the result, and of out_backprop, must be known.',
    convert: (op) => fromChannelsFirst(op, transposedConvolution(op)),
  },
];

function transposedConvolution(op: OpContext): Value {
  const x = toChannelsFirst(op, op.input(2));
  const [kernelHeight, kernelWidth, channels] = op.shapeOfRank(op.input(1), 4, 'the filter') as [
    number,
    number,
    number,
  ];
  const weights = transposed(op, op.input(1), [3, 2, 0, 1]);
  const window: Window = {
    kernel: [kernelHeight, kernelWidth],
    strides: spatialEntries(op, op.attributes.ints('strides'), 'strides'),
    dilations: spatialEntries(op, op.attributes.ints('dilations', [1, 1, 1, 1]), 'dilations'),
  };
  const sizes = resultSizes(op);
  const [batch, , ...inputSizes] = op.shapeOfRank(x, 4, 'out_backprop') as [number, number, number, number];
  if (inputSizes.includes(UNKNOWN)) op.unsupported('height and width of out_backprop are not known');
  const pads = paddings(op, window, sizes);
  // What the forward convolution did not see at the end: its windows stop short of it.
  const outputPadding = sizes.map((size, axis) => {
    const [front, end] = pads[axis] as readonly [number, number];
    const covered = ((inputSizes[axis] as number) - 1) * (window.strides[axis] as number) + windowExtent(window, axis);
    return size - (covered - front - end);
  });
  if (outputPadding.some((amount, axis) => amount < 0 || amount >= Math.max(1, window.strides[axis] as number))) {
    op.invalid(`input_sizes [${sizes}] do not fit out_backprop [${inputSizes}]`);
  }
  return op.emit(
    'ConvTranspose',
    [x, weights],
    { dataType: x.dataType, shape: [batch, channels, ...sizes] },
    {
      kernel_shape: ints(window.kernel),
      strides: ints(window.strides),
      dilations: ints(window.dilations),
      pads: ints([...pads.map(([front]) => front), ...pads.map(([, end]) => end)]),
      output_padding: ints(outputPadding),
    },
  );
}

/** Height and width that input_sizes asks for; the batch may be unknown. */
function resultSizes(op: OpContext): readonly number[] {
  const elements = op.integerElements(0, 'input_sizes');
  // TensorFlow also takes just the two.
  const first = elements?.length === 2 ? 0 : isChannelsFirst(op) ? 2 : 1;
  const sizes = elements?.slice(first, first + 2);
  if (sizes === undefined || sizes.length !== 2 || sizes.includes(undefined)) {
    return op.unsupported('input_sizes must give a constant height and width');
  }
  return sizes as readonly number[];
}

/** Padding of the forward convolution, which this one takes away again. */
function paddings(op: OpContext, window: Window, sizes: readonly number[]): readonly (readonly [number, number])[] {
  const padding = op.attributes.string('padding');
  if (padding === 'VALID') return sizes.map(() => [0, 0] as const);
  if (padding === 'EXPLICIT') return explicitPairs(op, sizes.length);
  return sizes.map((size, axis) => samePadding(window, axis, size) ?? [0, 0]);
}
