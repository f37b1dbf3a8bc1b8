import { int } from '@nereid/onnx';
import { foldBinary } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { binary, broadcastShape, unary, where } from './common.ts';

function isInteger(value: Value): boolean {
  return /^DT_U?INT/.test(value.dataType);
}

function isUnsigned(value: Value): boolean {
  return value.dataType.startsWith('DT_UINT');
}

/** Per element: one of the two is negative, the other not. */
function signsDiffer(op: OpContext, a: Value, b: Value): Value {
  const zero = op.scalar(a.dataType, 0);
  const negative = (value: Value): Value => binary(op, 'Less', value, zero, 'DT_BOOL');
  return binary(op, 'Xor', negative(a), negative(b));
}

/** Quotient rounded towards minus infinity. ONNX truncates integers. */
function floorDiv(op: OpContext): Value {
  const [a, b] = [op.input(0), op.input(1)];
  const quotient = binary(op, 'Div', a, b);
  if (!isInteger(a)) return unary(op, 'Floor', quotient);
  if (isUnsigned(a)) return quotient;
  const remainder = binary(op, 'Sub', a, binary(op, 'Mul', quotient, b));
  const zero = op.scalar(a.dataType, 0);
  const isExact = binary(op, 'Equal', remainder, zero, 'DT_BOOL');
  const isTooHigh = binary(op, 'And', unary(op, 'Not', isExact), signsDiffer(op, remainder, b));
  return where(op, isTooHigh, binary(op, 'Sub', quotient, op.scalar(a.dataType, 1)), quotient);
}

/** Remainder with the sign of the divisor. */
function floorMod(op: OpContext): Value {
  const [a, b] = [op.input(0), op.input(1)];
  if (isInteger(a)) return binary(op, 'Mod', a, b);
  const truncated = truncateMod(op, a, b);
  const moved = truncateMod(op, binary(op, 'Add', truncated, b), b);
  return where(op, signsDiffer(op, a, b), moved, truncated);
}

/** Remainder with the sign of the dividend, as in C. */
function truncateMod(op: OpContext, a: Value, b: Value): Value {
  const facts = { dataType: a.dataType, shape: broadcastShape(op, a.shape, b.shape) };
  return op.emit('Mod', [a, b], facts, { fmod: int(1) });
}

function truncateDiv(op: OpContext): Value {
  const [a, b] = [op.input(0), op.input(1)];
  const quotient = binary(op, 'Div', a, b);
  if (isInteger(a)) return quotient;
  return binary(op, 'Mul', unary(op, 'Sign', quotient), unary(op, 'Floor', unary(op, 'Abs', quotient)));
}

/** 0 where `b` is zero, else `compute` with a divisor that is not. */
function guarded(op: OpContext, a: Value, b: Value, compute: (divisor: Value) => Value): Value {
  const zero = op.scalar(b.dataType, 0);
  const isZero = binary(op, 'Equal', b, zero, 'DT_BOOL');
  const result = compute(where(op, isZero, op.scalar(b.dataType, 1), b));
  return where(op, isZero, op.scalar(a.dataType, 0), result);
}

/** x * f(y), but 0 where x is 0, whatever f(y) is there. */
function unlessZero(op: OpContext, x: Value, product: Value): Value {
  const zero = op.scalar(x.dataType, 0);
  return where(op, binary(op, 'Equal', x, zero, 'DT_BOOL'), zero, product);
}

function addN(op: OpContext): Value {
  return op.inputs.slice(1).reduce((sum, value) => binary(op, 'Add', sum, value), op.input(0));
}

function clipByValue(op: OpContext): Value {
  return binary(op, 'Max', binary(op, 'Min', op.input(0), op.input(2)), op.input(1));
}

function broadcasting(
  names: readonly string[],
  target: string,
  convert: TfOp['convert'],
  compute?: (a: number, b: number) => number | undefined,
): TfOp[] {
  return aliases(names, {
    source: `${names.at(-1)}(x (…), y (…)) -> (…), broadcasting`,
    target,
    convert,
    ...(compute === undefined ? {} : { fold: foldBinary(compute) }),
  });
}

const direct =
  (opType: string) =>
  (op: OpContext): Value =>
    binary(op, opType, op.input(0), op.input(1));

const quotient = (a: number, b: number): number | undefined => (b === 0 ? undefined : a / b);

export const ARITHMETIC_OPS: readonly TfOp[] = [
  ...broadcasting(['Add', 'AddV2'], 'Add(A, B)', direct('Add'), (a, b) => a + b),
  ...broadcasting(['Sub'], 'Sub(A, B)', direct('Sub'), (a, b) => a - b),
  ...broadcasting(['Mul'], 'Mul(A, B)', direct('Mul'), (a, b) => a * b),
  ...broadcasting(['Div', 'RealDiv'], 'Div(A, B); integers truncate', direct('Div'), quotient),
  ...broadcasting(['Maximum'], 'Max(A, B)', direct('Max'), Math.max),
  ...broadcasting(['Minimum'], 'Min(A, B)', direct('Min'), Math.min),
  ...broadcasting(['Pow'], 'Pow(X, Y)', direct('Pow'), (a, b) => a ** b),
  ...broadcasting(
    ['FloorDiv'],
    'Floor(Div(A, B)); for integers Div, corrected where it rounded up',
    floorDiv,
    (a, b) => (b === 0 ? undefined : Math.floor(a / b)),
  ),
  ...broadcasting(['FloorMod'], 'Mod(A, B); for reals fmod, moved to the sign of B', floorMod, (a, b) =>
    b === 0 ? undefined : a - Math.floor(a / b) * b,
  ),
  ...broadcasting(['TruncateDiv'], 'Div(A, B)', truncateDiv, (a, b) => (b === 0 ? undefined : Math.trunc(a / b))),
  ...broadcasting(
    ['Mod', 'TruncateMod'],
    'Mod(A, B; fmod = 1)',
    (op) => truncateMod(op, op.input(0), op.input(1)),
    (a, b) => (b === 0 ? undefined : a % b),
  ),
  ...broadcasting(['SquaredDifference'], 'Mul(d, d) with d = Sub(A, B)', (op) => {
    const difference = binary(op, 'Sub', op.input(0), op.input(1));
    return binary(op, 'Mul', difference, difference);
  }),
  ...broadcasting(['DivNoNan'], 'Where(B = 0, 0, Div(A, B))', (op) =>
    guarded(op, op.input(0), op.input(1), (divisor) => binary(op, 'Div', op.input(0), divisor)),
  ),
  ...broadcasting(['MulNoNan'], 'Where(Y = 0, 0, Mul(X, Y))', (op) =>
    unlessZero(op, op.input(1), binary(op, 'Mul', op.input(0), op.input(1))),
  ),
  ...broadcasting(['Xdivy'], 'Where(X = 0, 0, Div(X, Y))', (op) =>
    unlessZero(op, op.input(0), binary(op, 'Div', op.input(0), op.input(1))),
  ),
  ...broadcasting(['Xlogy'], 'Where(X = 0, 0, Mul(X, Log(Y)))', (op) =>
    unlessZero(op, op.input(0), binary(op, 'Mul', op.input(0), unary(op, 'Log', op.input(1)))),
  ),
  {
    op: 'AddN',
    source: 'AddN(inputs (…)…) -> (…)',
    target: 'Add(A, B), repeated',
    convert: addN,
  },
  {
    op: 'ClipByValue',
    source: 'ClipByValue(t (…), clip_value_min (…), clip_value_max (…)) -> (…)',
    target: 'Max(Min(t, max), min)',
    convert: clipByValue,
  },
];
