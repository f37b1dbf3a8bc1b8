import { float, int } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { binary, reshaped, unary } from './common.ts';
import { fromChannelsFirst, isChannelsFirst, toChannelsFirst } from './layout.ts';

/** (x - mean) / sqrt(variance + epsilon) * scale + offset over (N, C, …), the statistics (C). */
export function batchNormalization(
  op: OpContext,
  x: Value,
  statistics: { readonly scale: Value; readonly offset: Value; readonly mean: Value; readonly variance: Value },
  epsilon: number,
): Value {
  const { scale, offset, mean, variance } = statistics;
  const facts = { dataType: x.dataType, shape: x.shape };
  // In the mixed-precision forms the statistics are float and x is half.
  const operands = [scale, offset, mean, variance].map((value) => op.castTo(value, x.dataType));
  return op.emit('BatchNormalization', [x, ...operands], facts, { epsilon: float(epsilon) });
}

function fusedBatchNorm(op: OpContext): readonly Value[] {
  if (op.attributes.bool('is_training', true)) {
    op.unsupported('is_training is true: the graph was frozen for training, its statistics depend on the batch');
  }
  const [scale, offset, mean, variance] = [op.input(1), op.input(2), op.input(3), op.input(4)];
  const x = toChannelsFirst(op, op.input(0));
  const epsilon = op.attributes.float('epsilon', 1e-4);
  const activation = op.attributes.string('activation_mode', 'Identity');
  let y = batchNormalization(op, x, { scale, offset, mean, variance }, epsilon);
  if (op.inputs.length > 5) y = binary(op, 'Add', y, toChannelsFirst(op, op.input(5)));
  if (activation === 'Relu') y = unary(op, 'Relu', y);
  else if (activation !== 'Identity') op.unsupported(`activation_mode ${activation}`);
  return [fromChannelsFirst(op, y), mean, variance];
}

const MAX_CHANNELS = 1_000_000;

/** TensorFlow's oldest form: gamma counts only with scale_after_normalization. Everything (C), t (N, H, W, C). */
function globalNormalization(op: OpContext): Value {
  const [mean, variance, offset] = [op.input(1), op.input(2), op.input(3)];
  const size = variance.shape?.[0] ?? op.unsupported('the number of channels is not known');
  if (size > MAX_CHANNELS) op.unsupported(`${size} channels, more than ${MAX_CHANNELS}`);
  const scale = op.attributes.bool('scale_after_normalization')
    ? op.input(4)
    : op.numbers(variance.dataType, [size], new Array<number>(size).fill(1));
  const x = toChannelsFirst(op, op.input(0));
  const epsilon = op.attributes.float('variance_epsilon');
  return fromChannelsFirst(op, batchNormalization(op, x, { scale, offset, mean, variance }, epsilon));
}

/** Adds bias (C) to the channels of (N, …, C) or, under data_format NCHW, of (N, C, …). */
function biasAdd(op: OpContext): Value {
  const [value, bias] = [op.input(0), op.input(1)];
  if (!isChannelsFirst(op)) return binary(op, 'Add', value, bias);
  return binary(op, 'Add', value, channelVector(op, bias, op.rank(value, 'the input')));
}

/** (C) as (C, 1, …), so that it broadcasts over (N, C, …). */
export function channelVector(op: OpContext, vector: Value, rank: number): Value {
  const [channels] = op.shapeOfRank(vector, 1, 'the bias') as [number];
  return reshaped(op, vector, [channels, ...new Array<number>(rank - 2).fill(1)]);
}

const FUSED_BATCH_NORM = {
  target: 'BatchNormalization(X (N, C, H, W), scale (C), B (C), mean (C), var (C); epsilon) -> (N, C, H, W)',
  limits: 'is_training = true. Outputs after the third (they are for training).',
  convert: fusedBatchNorm,
};

export const NORMALIZATION_OPS: readonly TfOp[] = [
  ...aliases(['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3'], {
    source:
      'FusedBatchNormV3(x (N, H, W, C), scale (C), offset (C), mean (C), variance (C); epsilon, data_format, is_training) -> y (N, H, W, C), mean (C), variance (C)',
    ...FUSED_BATCH_NORM,
  }),
  {
    op: '_FusedBatchNormEx',
    source:
      '_FusedBatchNormEx(x (N, H, W, C), scale (C), offset (C), mean (C), variance (C), side_input (N, H, W, C)?; epsilon, activation_mode Identity|Relu) -> y (N, H, W, C), mean, variance',
    ...FUSED_BATCH_NORM,
    target: `${FUSED_BATCH_NORM.target}, then Add and Relu`,
  },
  {
    op: 'BatchNormWithGlobalNormalization',
    source:
      'BatchNormWithGlobalNormalization(t (N, H, W, C), m (C), v (C), beta (C), gamma (C); variance_epsilon, scale_after_normalization) -> (N, H, W, C)',
    target: 'BatchNormalization(X (N, C, H, W), scale (C), B (C), mean (C), var (C)) -> (N, C, H, W)',
    convert: globalNormalization,
  },
  {
    op: 'BiasAdd',
    source: 'BiasAdd(value (N, …, C), bias (C); data_format) -> (N, …, C)',
    target: 'Add(A, B), B (C) or (C, 1, …)',
    convert: biasAdd,
  },
  {
    op: 'BiasAddV1',
    source: 'BiasAddV1(value (…, C), bias (C)) -> (…, C)',
    target: 'Add(A, B)',
    convert: (op) => binary(op, 'Add', op.input(0), op.input(1)),
  },
  {
    op: 'LRN',
    source: 'LRN(input (N, H, W, C); depth_radius = 5, bias = 1, alpha = 1, beta = 0.5) -> (N, H, W, C)',
    target: 'LRN(X (N, C, H, W); size = 2 * depth_radius + 1, bias, alpha * size, beta)',
    convert: (op) => {
      const x = toChannelsFirst(op, op.input(0));
      const size = 2 * op.attributes.int('depth_radius', 5) + 1;
      // ONNX divides alpha by the size of the window, TensorFlow does not.
      const result = op.emit(
        'LRN',
        [x],
        { dataType: x.dataType, shape: x.shape },
        {
          size: int(size),
          bias: float(op.attributes.float('bias', 1)),
          alpha: float(op.attributes.float('alpha', 1) * size),
          beta: float(op.attributes.float('beta', 0.5)),
        },
      );
      return fromChannelsFirst(op, result);
    },
  },
];
