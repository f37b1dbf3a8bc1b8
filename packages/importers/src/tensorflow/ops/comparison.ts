import { foldBinary, foldUnary } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { binary, unary } from './common.ts';

function equal(op: OpContext): Value {
  const [a, b] = [op.input(0), op.input(1)];
  if (a.dataType === 'DT_STRING') op.unsupported('comparison of strings');
  return binary(op, 'Equal', a, b, 'DT_BOOL');
}

function comparison(
  name: string,
  target: string,
  convert: TfOp['convert'],
  compute: (a: number, b: number) => boolean,
): TfOp {
  return {
    op: name,
    source: `${name}(x (…), y (…)) -> (…) bool, broadcasting`,
    target,
    convert,
    fold: foldBinary((a, b) => Number(compute(a, b))),
  };
}

const direct =
  (opType: string) =>
  (op: OpContext): Value =>
    binary(op, opType, op.input(0), op.input(1), 'DT_BOOL');

export const COMPARISON_OPS: readonly TfOp[] = [
  comparison('Equal', 'Equal(A, B)', equal, (a, b) => a === b),
  comparison(
    'NotEqual',
    'Not(Equal(A, B))',
    (op) => unary(op, 'Not', equal(op)),
    (a, b) => a !== b,
  ),
  comparison('Less', 'Less(A, B)', direct('Less'), (a, b) => a < b),
  comparison('LessEqual', 'LessOrEqual(A, B)', direct('LessOrEqual'), (a, b) => a <= b),
  comparison('Greater', 'Greater(A, B)', direct('Greater'), (a, b) => a > b),
  comparison('GreaterEqual', 'GreaterOrEqual(A, B)', direct('GreaterOrEqual'), (a, b) => a >= b),
  comparison('LogicalAnd', 'And(A, B)', direct('And'), (a, b) => a !== 0 && b !== 0),
  comparison('LogicalOr', 'Or(A, B)', direct('Or'), (a, b) => a !== 0 || b !== 0),
  {
    op: 'LogicalNot',
    source: 'LogicalNot(x (…) bool) -> (…) bool',
    target: 'Not(X)',
    convert: (op) => unary(op, 'Not', op.input(0)),
    fold: foldUnary((x) => Number(x === 0)),
  },
];
