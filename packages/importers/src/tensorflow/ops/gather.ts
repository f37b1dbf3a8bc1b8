import { int } from '@nereid/onnx';
import { inputElements } from '../fold.ts';
import type { Shape } from '../graph-def.ts';
import type { OpContext } from '../op-context.ts';
import { sizeOf, UNKNOWN } from '../shape-arithmetic.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Elements, Value } from '../value.ts';
import { axisOf, binary, where } from './common.ts';

function gather(op: OpContext, axisInput: number | undefined): Value {
  const [params, indices] = [op.input(0), op.input(1)];
  const rank = op.rank(params, 'params');
  const axis = axisInput === undefined ? 0 : axisOf(op, op.constantScalar(axisInput, 'the axis'), rank);
  if (op.attributes.int('batch_dims', 0) !== 0) op.unsupported('batch_dims');
  const facts = { dataType: params.dataType, shape: gatheredShape(params.shape, indices.shape, axis) };
  return op.emit('Gather', [params, indices], facts, { axis: int(axis) });
}

function gatheredShape(params: Shape, indices: Shape, axis: number): Shape {
  if (params === undefined || indices === undefined) return undefined;
  return [...params.slice(0, axis), ...indices, ...params.slice(axis + 1)];
}

/** Elements picked out of a vector. */
function foldGather(op: OpContext): Elements | undefined {
  if (op.input(0).shape?.length !== 1) return undefined;
  const params = inputElements(op, 0);
  return inputElements(op, 1).map((index) => (index === undefined ? undefined : params[index]));
}

/** params (…), indices (…, k) -> one slice of params per index vector. */
function gatherNd(op: OpContext): Value {
  const [params, indices] = [op.input(0), op.input(1)];
  const depth = indices.shape?.at(-1) ?? UNKNOWN;
  const isKnownDepth = params.shape !== undefined && indices.shape !== undefined && depth !== UNKNOWN;
  const shape = isKnownDepth
    ? [...(indices.shape ?? []).slice(0, -1), ...(params.shape ?? []).slice(depth)]
    : undefined;
  return op.emit('GatherND', [params, op.castTo(indices, 'DT_INT64')], { dataType: params.dataType, shape });
}

function oneHot(op: OpContext): Value {
  const indices = op.input(0);
  const depth = op.constantScalar(1, 'the depth');
  const [on, off] = [op.input(2), op.input(3)];
  const rank = op.rank(indices, 'indices');
  const axis = axisOf(op, op.attributes.int('axis', -1), rank + 1);
  // A negative index gives a row of zeros in TensorFlow, but counts from the end in ONNX.
  const zero = op.scalar(indices.dataType, 0);
  const isNegative = binary(op, 'Less', indices, zero, 'DT_BOOL');
  const safe = where(op, isNegative, op.scalar(indices.dataType, depth), indices);
  const shape = indices.shape?.toSpliced(axis, 0, depth);
  // A mask and a choice serve every type of value; ONNX Runtime's own OneHot takes only a few.
  const bits = op.emit(
    'OneHot',
    [op.castTo(safe, 'DT_INT64'), op.scalar('DT_INT64', depth), op.numbers('DT_INT64', [2], [0, 1])],
    { dataType: 'DT_INT64', shape },
    { axis: int(axis) },
  );
  return where(op, op.castTo(bits, 'DT_BOOL'), on, off);
}

function topK(op: OpContext): readonly Value[] {
  const x = op.input(0);
  const k = op.constantScalar(1, 'k');
  const rank = op.rank(x, 'the input');
  const shape = x.shape?.with(rank - 1, k);
  const facts = [
    { dataType: x.dataType, shape },
    { dataType: 'DT_INT64' as const, shape },
  ];
  const [values, indices] = op.emitMany('TopK', [x, op.numbers('DT_INT64', [1], [k])], facts, {
    axis: int(-1),
    sorted: int(op.attributes.bool('sorted', true) ? 1 : 0),
  }) as [Value, Value];
  return [values, op.castTo(indices, op.attributes.type('index_type', 'DT_INT32'))];
}

function cumulativeSum(op: OpContext): Value {
  const x = op.input(0);
  const axis = axisOf(op, op.constantScalar(1, 'the axis'), op.rank(x, 'the input'));
  return op.emit(
    'CumSum',
    [x, op.scalar('DT_INT64', axis)],
    { dataType: x.dataType, shape: x.shape },
    {
      exclusive: int(op.attributes.bool('exclusive', false) ? 1 : 0),
      reverse: int(op.attributes.bool('reverse', false) ? 1 : 0),
    },
  );
}

/** (…) -> [n, rank] int64: where the condition holds, in row-major order. */
function indicesWhere(op: OpContext): Value {
  const x = op.input(0);
  const rank = op.rank(x, 'the input');
  if (rank === 0) op.unsupported('a scalar condition');
  const count = sizeOf(x.shape) === 0 ? 0 : UNKNOWN;
  const columns = op.emit('NonZero', [x], { dataType: 'DT_INT64', shape: [rank, count] });
  return op.emit('Transpose', [columns], { dataType: 'DT_INT64', shape: [count, rank] });
}

export const GATHER_OPS: readonly TfOp[] = [
  {
    op: 'GatherV2',
    source: 'GatherV2(params (…), indices (…), axis []; batch_dims) -> (…)',
    target: 'Gather(data, indices; axis)',
    limits: 'batch_dims; an axis that is not constant.',
    convert: (op) => gather(op, 2),
    fold: foldGather,
  },
  ...aliases(['Gather'], {
    source: 'Gather(params (…), indices (…)) -> (…), along the first axis',
    target: 'Gather(data, indices; axis = 0)',
    convert: (op) => gather(op, undefined),
    fold: foldGather,
  }),
  {
    op: 'GatherNd',
    source: 'GatherNd(params (…), indices (…, k)) -> (…)',
    target: 'GatherND(data, indices)',
    convert: gatherNd,
  },
  {
    op: 'OneHot',
    source: 'OneHot(indices (…), depth [], on_value [], off_value []; axis) -> (…, depth)',
    target: 'Where(Cast(OneHot(indices, depth, [0, 1]; axis)), on_value, off_value)',
    limits: 'A depth that is not constant.',
    convert: oneHot,
  },
  {
    op: 'TopKV2',
    source: 'TopKV2(input (…, n), k []; sorted) -> values (…, k), indices (…, k)',
    target: 'TopK(X, K; axis = -1)',
    limits: 'A k that is not constant.',
    convert: topK,
  },
  {
    op: 'Cumsum',
    source: 'Cumsum(x (…), axis []; exclusive, reverse) -> (…)',
    target: 'CumSum(x, axis; exclusive, reverse)',
    limits: 'An axis that is not constant.',
    convert: cumulativeSum,
  },
  {
    op: 'Where',
    source: 'Where(condition (…)) -> [n, rank] int64',
    target: 'Transpose(NonZero(X))',
    convert: indicesWhere,
  },
];
