import { OpRegistry } from '../../shared/index.ts';
import type { TfOp } from '../tf-op.ts';
import { ACTIVATION_OPS } from './activation.ts';
import { ARITHMETIC_OPS } from './arithmetic.ts';
import { COMPARISON_OPS } from './comparison.ts';
import { CONV_OPS } from './conv.ts';
import { CONV_TRANSPOSE_OPS } from './conv-transpose.ts';
import { FILL_OPS } from './fill.ts';
import { FLOW_OPS } from './flow.ts';
import { FUSED_OPS_DEFINITIONS } from './fused.ts';
import { GATHER_OPS } from './gather.ts';
import { JOIN_OPS } from './join.ts';
import { MATMUL_OPS } from './matmul.ts';
import { NORMALIZATION_OPS } from './normalization.ts';
import { PAD_OPS } from './pad.ts';
import { POOL_OPS } from './pool.ts';
import { QUANTIZE_OPS } from './quantize.ts';
import { REDUCE_OPS } from './reduce.ts';
import { RESIZE_OPS } from './resize.ts';
import { SELECT_OPS } from './select.ts';
import { SHAPE_OPS } from './shape.ts';
import { SLICE_OPS } from './slice.ts';
import { SPACE_OPS } from './space.ts';
import { UNARY_OPS } from './unary.ts';

/** Every TensorFlow operation that is translated. `Placeholder` is none: it becomes an input. */
export function tensorflowOps(): OpRegistry<TfOp> {
  return new OpRegistry([
    ...FLOW_OPS,
    ...CONV_OPS,
    ...CONV_TRANSPOSE_OPS,
    ...POOL_OPS,
    ...NORMALIZATION_OPS,
    ...ACTIVATION_OPS,
    ...FUSED_OPS_DEFINITIONS,
    ...MATMUL_OPS,
    ...ARITHMETIC_OPS,
    ...UNARY_OPS,
    ...COMPARISON_OPS,
    ...REDUCE_OPS,
    ...QUANTIZE_OPS,
    ...SHAPE_OPS,
    ...JOIN_OPS,
    ...SLICE_OPS,
    ...GATHER_OPS,
    ...FILL_OPS,
    ...PAD_OPS,
    ...SPACE_OPS,
    ...RESIZE_OPS,
    ...SELECT_OPS,
  ]);
}
