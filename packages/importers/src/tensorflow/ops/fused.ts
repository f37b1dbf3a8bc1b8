import type { OpContext } from '../op-context.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { activated, prelu } from './activation.ts';
import { binary } from './common.ts';
import { convolution, depthwiseConvolution } from './conv.ts';
import { fromChannelsFirst, toChannelsFirst } from './layout.ts';
import { matrixProduct } from './matmul.ts';
import { batchNormalization, channelVector } from './normalization.ts';

/** The inputs after the two operands (`args`), taken in order by the operations in `fused_ops`. */
class FusedArguments {
  readonly #op: OpContext;
  #next = 2;

  constructor(op: OpContext) {
    this.#op = op;
  }

  take(): Value {
    return this.#op.input(this.#next++);
  }
}

/** What `fused_ops` says, in order, on a tensor (N, C, …). */
function applyFused(op: OpContext, start: Value): Value {
  const args = new FusedArguments(op);
  const rank = op.rank(start, 'the result');
  let value = start;
  for (const name of op.attributes.strings('fused_ops')) {
    if (name === 'BiasAdd') value = binary(op, 'Add', value, channelVector(op, args.take(), rank));
    else if (name === 'Add') value = binary(op, 'Add', value, toChannelsFirst(op, args.take()));
    else if (name === 'Prelu') value = prelu(op, value, preluSlope(op, args.take(), rank));
    else if (name === 'FusedBatchNorm') {
      const [scale, offset, mean, variance] = [args.take(), args.take(), args.take(), args.take()];
      value = batchNormalization(op, value, { scale, offset, mean, variance }, op.attributes.float('epsilon', 1e-4));
    } else value = activated(op, name, value);
  }
  return value;
}

/** A slope (C) or (1, 1, C) for (N, H, W, C), as (C, 1, 1). */
function preluSlope(op: OpContext, slope: Value, rank: number): Value {
  const shape = slope.shape ?? op.unsupported('the shape of the slope is not known');
  if (shape.length === 0 || shape.slice(0, -1).some((size) => size !== 1)) {
    op.unsupported(`a fused Prelu slope of shape [${shape}]`);
  }
  return channelVector(op, { ...slope, shape: shape.slice(-1) }, rank);
}

/** (N, M) x (M, K), then bias (K) and activation; there is no layout to change. */
function fusedMatMul(op: OpContext): Value {
  const args = new FusedArguments(op);
  let value = matrixProduct(op);
  for (const name of op.attributes.strings('fused_ops')) {
    if (name === 'BiasAdd' || name === 'Add') value = binary(op, 'Add', value, args.take());
    else if (name === 'Prelu') value = prelu(op, value, args.take());
    else value = activated(op, name, value);
  }
  return value;
}

const FUSED_OPS =
  'fused_ops [BiasAdd | FusedBatchNorm | Add | Relu | Relu6 | Elu | LeakyRelu | Tanh | Sigmoid | Prelu], epsilon, leakyrelu_alpha';

export const FUSED_OPS_DEFINITIONS: readonly TfOp[] = [
  {
    op: '_FusedConv2D',
    source: `_FusedConv2D(input (N, H, W, C), filter (kH, kW, C, M), args…; Conv2D's attributes, ${FUSED_OPS}) -> (N, oH, oW, M)`,
    target: 'Conv, then Add, BatchNormalization, Clip, … per fused operation',
    convert: (op) => fromChannelsFirst(op, applyFused(op, convolution(op, 2))),
  },
  ...aliases(['_FusedDepthwiseConv2dNative', 'FusedDepthwiseConv2dNative'], {
    source: `FusedDepthwiseConv2dNative(input (N, H, W, C), filter (kH, kW, C, m), args…; ${FUSED_OPS}) -> (N, oH, oW, C * m)`,
    target: 'Conv(group = C), then Add, BatchNormalization, Clip, … per fused operation',
    convert: (op) => fromChannelsFirst(op, applyFused(op, depthwiseConvolution(op))),
  }),
  {
    op: '_FusedMatMul',
    source: `_FusedMatMul(a (N, M), b (M, K), args…; transpose_a, transpose_b, ${FUSED_OPS}) -> (N, K)`,
    target: 'MatMul, then Add, Clip, … per fused operation',
    convert: fusedMatMul,
  },
];
