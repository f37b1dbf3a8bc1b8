import { int, ints } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { fromChannelsFirst, spatialEntries, toChannelsFirst } from './layout.ts';
import { windowPadding } from './window.ts';

function pooled(
  op: OpContext,
  opType: 'MaxPool' | 'AveragePool',
  ksize: readonly number[],
  strides: readonly number[],
): Value {
  const x = toChannelsFirst(op, op.input(0));
  const [batch, channels, ...sizes] = op.shapeOfRank(x, ksize.length, 'the input') as [number, number, ...number[]];
  const kernel = spatialEntries(op, ksize, 'ksize');
  const window = { kernel, strides: spatialEntries(op, strides, 'strides'), dilations: kernel.map(() => 1) };
  const padding = windowPadding(op, window, sizes);
  const shape = [batch, channels, ...padding.sizes];
  const result = op.emit(
    opType,
    [x],
    { dataType: x.dataType, shape },
    {
      kernel_shape: ints(window.kernel),
      strides: ints(window.strides),
      ...(opType === 'AveragePool' ? { count_include_pad: int(0) } : {}),
      ...padding.attributes,
    },
  );
  return fromChannelsFirst(op, result);
}

const windowFromAttributes =
  (opType: 'MaxPool' | 'AveragePool') =>
  (op: OpContext): Value =>
    pooled(op, opType, op.attributes.ints('ksize'), op.attributes.ints('strides'));

const constantWindow = (op: OpContext): Value =>
  pooled(op, 'MaxPool', op.constantInput(1, 'ksize'), op.constantInput(2, 'strides'));

const BATCH_POOL_LIMIT = 'Windows over batch or channels.';

export const POOL_OPS: readonly TfOp[] = [
  ...aliases(['MaxPool', 'MaxPool3D'], {
    source: 'MaxPool(input (N, …, C); ksize, strides, padding, explicit_paddings, data_format) -> (N, …, C)',
    target: 'MaxPool(X (N, C, …); kernel_shape, strides, pads) -> (N, C, …)',
    limits: BATCH_POOL_LIMIT,
    convert: windowFromAttributes('MaxPool'),
  }),
  {
    op: 'MaxPoolV2',
    source: 'MaxPoolV2(input (N, H, W, C), ksize [4], strides [4]; padding, data_format) -> (N, oH, oW, C)',
    target: 'MaxPool(X (N, C, H, W); kernel_shape, strides, pads) -> (N, C, oH, oW)',
    limits: BATCH_POOL_LIMIT,
    convert: constantWindow,
  },
  ...aliases(['AvgPool', 'AvgPool3D'], {
    source: 'AvgPool(value (N, …, C); ksize, strides, padding, data_format) -> (N, …, C), padding not counted',
    target: 'AveragePool(X (N, C, …); kernel_shape, strides, pads, count_include_pad = 0) -> (N, C, …)',
    limits: BATCH_POOL_LIMIT,
    convert: windowFromAttributes('AveragePool'),
  }),
];
