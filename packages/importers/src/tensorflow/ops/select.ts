import { broadcastReader, type Fold } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import { sizeOf } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { unsqueezed, where } from './common.ts';

/** The condition of `Select` is of the operands' shape, a scalar, or a vector that chooses rows. */
function select(op: OpContext): Value {
  const [condition, a, b] = [op.input(0), op.input(1), op.input(2)];
  const rank = op.rank(a, 'the operands');
  if (condition.shape?.length !== 1 || rank <= 1) return where(op, condition, a, b);
  const trailing = Array.from({ length: rank - 1 }, (_, index) => index + 1);
  return where(op, unsqueezed(op, condition, trailing), a, b);
}

const foldSelect: Fold = (op, result) => {
  const readers = [0, 1, 2].map((index) => broadcastReader(op.input(index), result));
  const [condition, a, b] = readers;
  if (condition === undefined || a === undefined || b === undefined) return undefined;
  return Array.from({ length: sizeOf(result.shape) ?? 0 }, (_, index) => {
    const chosen = condition(index);
    if (chosen === undefined) return undefined;
    return chosen === 0 ? b(index) : a(index);
  });
};

function cast(op: OpContext): Value {
  const value = op.input(0);
  const type = op.attributes.type('DstT');
  op.elementType(type);
  return op.castTo(value, type);
}

export const SELECT_OPS: readonly TfOp[] = [
  {
    op: 'Select',
    source: 'Select(condition (…) or [N] or [], t (…), e (…)) -> (…)',
    target: 'Where(condition, X, Y)',
    convert: select,
  },
  {
    op: 'SelectV2',
    source: 'SelectV2(condition (…), t (…), e (…)) -> (…), broadcasting',
    target: 'Where(condition, X, Y)',
    convert: (op) => where(op, op.input(0), op.input(1), op.input(2)),
    fold: foldSelect,
  },
  {
    op: 'Cast',
    source: 'Cast(x (…); DstT) -> (…)',
    target: 'Cast(input; to)',
    limits: 'Quantised types, resources and variants.',
    convert: cast,
  },
];
