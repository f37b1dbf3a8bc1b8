import { foldUnary } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { binary, unary, where } from './common.ts';

/** An operation that ONNX has too. */
function same(names: readonly string[], opType: string, compute?: (x: number) => number): TfOp[] {
  return aliases(names, {
    source: `${names[0]}(x (…)) -> (…)`,
    target: `${opType}(X)`,
    convert: (op) => unary(op, opType, op.input(0)),
    ...(compute === undefined ? {} : { fold: foldUnary(compute) }),
  });
}

/** An operation made of several of ONNX. */
function composed(
  op: string,
  target: string,
  build: (op: OpContext, x: Value) => Value,
  compute?: (x: number) => number,
): TfOp {
  return {
    op,
    source: `${op}(x (…)) -> (…)`,
    target,
    convert: (context) => build(context, context.input(0)),
    ...(compute === undefined ? {} : { fold: foldUnary(compute) }),
  };
}

/** Half to even, as both TensorFlow and ONNX round. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export const UNARY_OPS: readonly TfOp[] = [
  ...same(['Abs'], 'Abs', Math.abs),
  ...same(['Neg'], 'Neg', (x) => -x),
  ...same(['Exp'], 'Exp'),
  ...same(['Log'], 'Log'),
  ...same(['Sqrt'], 'Sqrt', Math.sqrt),
  ...same(['Reciprocal', 'Inv'], 'Reciprocal'),
  ...same(['Floor'], 'Floor', Math.floor),
  ...same(['Ceil'], 'Ceil', Math.ceil),
  ...same(['Round', 'Rint'], 'Round', roundHalfEven),
  composed('Sign', 'Where(IsNaN(X), 0, Sign(X))', sign, (x) => Math.sign(x) || 0),
  ...same(['Erf'], 'Erf'),
  ...same(['Sin'], 'Sin'),
  ...same(['Cos'], 'Cos'),
  ...same(['Tan'], 'Tan'),
  ...same(['Asin'], 'Asin'),
  ...same(['Acos'], 'Acos'),
  ...same(['Atan'], 'Atan'),
  ...same(['Sinh'], 'Sinh'),
  ...same(['Cosh'], 'Cosh'),
  ...same(['Asinh'], 'Asinh'),
  ...same(['Acosh'], 'Acosh'),
  ...same(['Atanh'], 'Atanh'),
  composed('Rsqrt', 'Reciprocal(Sqrt(X))', (op, x) => unary(op, 'Reciprocal', unary(op, 'Sqrt', x))),
  composed(
    'Square',
    'Mul(X, X)',
    (op, x) => binary(op, 'Mul', x, x),
    (x) => x * x,
  ),
  composed('Expm1', 'Sub(Exp(X), 1)', (op, x) => binary(op, 'Sub', unary(op, 'Exp', x), op.scalar(x.dataType, 1))),
  composed('Log1p', 'Log(Add(X, 1))', (op, x) => unary(op, 'Log', binary(op, 'Add', x, op.scalar(x.dataType, 1)))),
  composed('IsNan', 'IsNaN(X)', (op, x) => unary(op, 'IsNaN', x, 'DT_BOOL')),
  composed('IsInf', 'IsInf(X)', (op, x) => isInfinite(op, x)),
  composed('IsFinite', 'Not(Or(IsNaN(X), IsInf(X)))', (op, x) => {
    const isOdd = binary(op, 'Or', unary(op, 'IsNaN', x, 'DT_BOOL'), isInfinite(op, x));
    return unary(op, 'Not', isOdd);
  }),
];

/** TensorFlow's sign of NaN is 0. Integers have none. */
function sign(op: OpContext, x: Value): Value {
  const result = unary(op, 'Sign', x);
  if (x.dataType.includes('INT')) return result;
  const wide = x.dataType === 'DT_HALF' ? op.castTo(x, 'DT_FLOAT') : x;
  return where(op, unary(op, 'IsNaN', wide, 'DT_BOOL'), op.scalar(x.dataType, 0), result);
}

/** ONNX Runtime has no IsInf of half: a half is infinite exactly when the same number as a float is. */
function isInfinite(op: OpContext, x: Value): Value {
  return unary(op, 'IsInf', x.dataType === 'DT_HALF' ? op.castTo(x, 'DT_FLOAT') : x, 'DT_BOOL');
}
