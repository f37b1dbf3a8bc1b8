import { int, type ReduceOperator } from '@nereid/onnx';
import type { DataType } from '../data-type.ts';
import { exactly, type Fold, inputElements } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import { computeType } from '../runtime-types.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import { isKnown, type Value } from '../value.ts';
import { axisOf, binary, reduced, unary } from './common.ts';

/** The axes to reduce, counted from the front where the rank is known. */
function reductionAxes(op: OpContext): readonly number[] {
  const axes = op.constantInput(1, 'the axes');
  const rank = op.input(0).shape?.length;
  if (rank === undefined) return axes;
  const normalized = axes.map((axis) => axisOf(op, axis, rank));
  if (new Set(normalized).size !== normalized.length) op.invalid(`an axis is given twice in [${axes}]`);
  return normalized;
}

function keepDims(op: OpContext): boolean {
  return op.attributes.bool('keep_dims', false);
}

/** A reduction computed in a type that ONNX Runtime has, back in the operand's own. */
function reduction(op: OpContext, operator: ReduceOperator, x: Value): Value {
  const type = x.dataType;
  const computed: DataType = computeType(operator, type) ?? op.unsupported(`${operator} of ${type}`);
  return op.castTo(reduced(op, operator, op.castTo(x, computed), reductionAxes(op), keepDims(op)), type);
}

/** True where any element is; an empty axis gives false. */
function anyTrue(op: OpContext, condition: Value): Value {
  const count = reduced(op, 'ReduceSum', op.castTo(condition, 'DT_INT32'), reductionAxes(op), keepDims(op));
  return binary(op, 'Greater', count, op.scalar('DT_INT32', 0), 'DT_BOOL');
}

/** Sums and products of a whole vector, as shape arithmetic has them; reductions over some axes of several are left to a run. */
function foldWhole(start: number | undefined, combine: (a: number, b: number) => number): Fold {
  return (op, result) => {
    const elements = inputElements(op, 0);
    const axes = op.input(1).elements?.length;
    if (!isKnown(elements) || axes !== op.input(0).shape?.length) return undefined;
    const all = start === undefined ? elements : [start, ...elements];
    return all.length === 0 ? undefined : [exactly(result, all.reduce(combine))];
  };
}

function reducer(name: string, operator: ReduceOperator, fold?: Fold): TfOp {
  return {
    op: name,
    source: `${name}(input (…), axis []; keep_dims) -> (…)`,
    target: `${operator}(data, axes; keepdims)`,
    limits: 'Axes that are not constant.',
    convert: (op) => reduction(op, operator, op.input(0)),
    ...(fold === undefined ? {} : { fold }),
  };
}

function argument(name: 'ArgMax' | 'ArgMin'): TfOp {
  return {
    op: name,
    source: `${name}(input (…), dimension; output_type int32|int64) -> (…)`,
    target: `${name}(data; axis, keepdims = 0), Cast`,
    limits: 'A dimension that is not constant.',
    convert: (op) => {
      const x = op.input(0);
      const shape = x.shape ?? op.unsupported('the rank of the input is not known');
      const axis = axisOf(op, op.constantScalar(1, 'the dimension'), shape.length);
      const facts = { dataType: 'DT_INT64' as const, shape: shape.toSpliced(axis, 1) };
      const found = op.emit(name, [x], facts, { axis: int(axis), keepdims: int(0) });
      return op.castTo(found, op.attributes.type('output_type', 'DT_INT64'));
    },
  };
}

export const REDUCE_OPS: readonly TfOp[] = [
  reducer('Mean', 'ReduceMean'),
  reducer(
    'Sum',
    'ReduceSum',
    foldWhole(0, (a, b) => a + b),
  ),
  reducer(
    'Prod',
    'ReduceProd',
    foldWhole(1, (a, b) => a * b),
  ),
  reducer('Max', 'ReduceMax', foldWhole(undefined, Math.max)),
  reducer('Min', 'ReduceMin', foldWhole(undefined, Math.min)),
  ...aliases(['EuclideanNorm'], {
    source: 'EuclideanNorm(input (…), axis []; keep_dims) -> (…)',
    target: 'Sqrt(ReduceSum(Mul(X, X), axes; keepdims))',
    convert: (op) => unary(op, 'Sqrt', reduction(op, 'ReduceSum', binary(op, 'Mul', op.input(0), op.input(0)))),
  }),
  {
    op: 'Any',
    source: 'Any(input (…) bool, axis []; keep_dims) -> (…) bool',
    target: 'Greater(ReduceSum(Cast(X)), 0)',
    convert: (op) => anyTrue(op, op.input(0)),
  },
  {
    op: 'All',
    source: 'All(input (…) bool, axis []; keep_dims) -> (…) bool',
    target: 'Not(Greater(ReduceSum(Cast(Not(X))), 0))',
    convert: (op) => unary(op, 'Not', anyTrue(op, unary(op, 'Not', op.input(0)))),
  },
  argument('ArgMax'),
  argument('ArgMin'),
];
