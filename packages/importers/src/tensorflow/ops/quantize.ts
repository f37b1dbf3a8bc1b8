import type { OpContext } from '../op-context.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { binary, unary } from './common.ts';

/** A range moved so that zero is one of its steps, as the kernels of FakeQuant do. */
interface NudgedRange {
  readonly min: number;
  readonly max: number;
  readonly scale: number;
}

function nudge(op: OpContext, min: number, max: number): NudgedRange {
  if (!(min < max)) op.invalid(`the range is [${min}, ${max}]`);
  const bits = op.attributes.int('num_bits', 8);
  if (bits < 2 || bits > 16) op.invalid(`num_bits is ${bits}`);
  const low = op.attributes.bool('narrow_range', false) ? 1 : 0;
  const high = 2 ** bits - 1;
  const scale = Math.fround((max - min) / (high - low));
  // In float32, as TensorFlow's kernel: whether 127.5 is reached decides about the range.
  const zeroPoint = Math.fround(low - Math.fround(min / scale));
  const nudged = zeroPoint < low ? low : zeroPoint > high ? high : Math.round(zeroPoint);
  return { min: Math.fround((low - nudged) * scale), max: Math.fround((high - nudged) * scale), scale };
}

/** floor((clamp(x) - min) / scale + 0.5) * scale + min; the ranges are one or one per channel (C). */
function quantized(op: OpContext, ranges: readonly NudgedRange[]): Value {
  const x = op.input(0);
  const dims = ranges.length === 1 ? [] : [ranges.length];
  const constant = (of: (range: NudgedRange) => number): Value => op.numbers(x.dataType, dims, ranges.map(of));
  const min = constant((range) => range.min);
  const scale = constant((range) => range.scale);
  const clamped = binary(
    op,
    'Max',
    binary(
      op,
      'Min',
      x,
      constant((range) => range.max),
    ),
    min,
  );
  const steps = binary(op, 'Div', binary(op, 'Sub', clamped, min), scale);
  const rounded = unary(op, 'Floor', binary(op, 'Add', steps, op.scalar(x.dataType, 0.5)));
  return binary(op, 'Add', binary(op, 'Mul', rounded, scale), min);
}

function fromInputs(op: OpContext): Value {
  const mins = op.constantNumbers(1, 'min');
  const maxs = op.constantNumbers(2, 'max');
  if (mins.length !== maxs.length) op.invalid(`${mins.length} minima and ${maxs.length} maxima`);
  return quantized(
    op,
    mins.map((min, index) => nudge(op, min, maxs[index] as number)),
  );
}

const TARGET =
  'Add(Mul(Floor(Add(Div(Sub(clamped, min), scale), 0.5)), scale), min), with the range nudged to contain zero';
const LIMITS = 'Ranges that are not constant.';

/** Marks of quantisation-aware training, which the frozen graph computes with. */
export const QUANTIZE_OPS: readonly TfOp[] = [
  {
    op: 'FakeQuantWithMinMaxArgs',
    source: 'FakeQuantWithMinMaxArgs(inputs (…); min = -6, max = 6, num_bits = 8, narrow_range) -> (…)',
    target: TARGET,
    convert: (op) => quantized(op, [nudge(op, op.attributes.float('min', -6), op.attributes.float('max', 6))]),
  },
  {
    op: 'FakeQuantWithMinMaxVars',
    source: 'FakeQuantWithMinMaxVars(inputs (…), min [], max []; num_bits = 8, narrow_range) -> (…)',
    target: TARGET,
    limits: LIMITS,
    convert: fromInputs,
  },
  {
    op: 'FakeQuantWithMinMaxVarsPerChannel',
    source: 'FakeQuantWithMinMaxVarsPerChannel(inputs (…, C), min (C), max (C); num_bits = 8, narrow_range) -> (…, C)',
    target: TARGET,
    limits: LIMITS,
    convert: fromInputs,
  },
];
