import { foldReshape, inputElements } from '../fold.ts';
import type { Shape } from '../graph-def.ts';
import type { OpContext } from '../op-context.ts';
import { mergeShapes, printShape, sizeOf, UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import { constantOf, type Elements, type Value } from '../value.ts';
import { axisOf, reshaped, reshapedTo, shapeVector, squeezed, transposed, unsqueezed } from './common.ts';

/** The sizes of a value as a vector of `out_type`, as far as they are known; a constant when they all are. */
function sizes(op: OpContext, value: Value): Value {
  const type = op.attributes.type('out_type', 'DT_INT32');
  const { shape } = value;
  if (shape !== undefined && !shape.includes(UNKNOWN)) return constantOf(type, [shape.length], shape);
  return op.castTo(shapeVector(op, value), type);
}

/** Reshape's dimensions with its -1 worked out where the number of elements is known. */
function targetShape(op: OpContext, value: Value, dims: Elements): number[] {
  const inferred = dims.indexOf(-1);
  const shape = dims.map((size) => (size === undefined ? UNKNOWN : size));
  if (inferred !== dims.lastIndexOf(-1)) op.invalid(`the shape [${dims}] has more than one -1`);
  if (inferred < 0 || dims.includes(undefined)) return shape;
  const total = sizeOf(value.shape);
  const rest = shape.reduce((product, size, index) => (index === inferred ? product : product * size), 1);
  if (total === undefined) return shape;
  if (rest === 0 ? total !== 0 : total % rest !== 0) {
    op.invalid(`${printShape(value.shape)} has ${total} elements and cannot become [${dims}]`);
  }
  shape[inferred] = rest === 0 ? 0 : total / rest;
  return shape;
}

function reshape(op: OpContext): Value {
  const [value, dims] = [op.input(0), op.input(1)];
  const elements = op.integerElements(1, 'the shape');
  if (elements === undefined) {
    const rank = dims.shape?.[0] ?? UNKNOWN;
    const shape: Shape = rank === UNKNOWN ? undefined : new Array<number>(rank).fill(UNKNOWN);
    return reshapedTo(op, value, op.castTo(dims, 'DT_INT64'), shape);
  }
  const shape = targetShape(op, value, elements);
  const known = sizeOf(shape);
  const total = sizeOf(value.shape);
  if (known !== undefined && total !== undefined && known !== total) {
    op.invalid(`${printShape(value.shape)} has ${total} elements and cannot become [${elements}]`);
  }
  // One size that only a run knows is -1 to ONNX; more need the vector itself. A -1 beside a 0 would be ambiguous.
  const unknowns = shape.filter((size) => size === UNKNOWN).length;
  if (unknowns === 0 || (unknowns === 1 && !shape.includes(0))) return reshaped(op, value, shape);
  return reshapedTo(op, value, op.castTo(dims, 'DT_INT64'), shape);
}

function squeeze(op: OpContext): Value {
  const value = op.input(0);
  const axes = op.attributes.ints('squeeze_dims', op.attributes.ints('axis', []));
  const { shape } = value;
  if (shape === undefined) return op.unsupported('the rank of the input is not known');
  if (axes.length > 0) {
    const normalized = axes.map((axis) => axisOf(op, axis, shape.length)).sort((a, b) => a - b);
    const wrong = normalized.find((axis) => shape[axis] !== 1 && shape[axis] !== UNKNOWN);
    if (wrong !== undefined) op.invalid(`axis ${wrong} of ${printShape(shape)} is not of size 1`);
    return squeezed(op, value, normalized);
  }
  if (shape.includes(UNKNOWN)) op.unsupported(`without axes the shape must be known, it is ${printShape(shape)}`);
  return reshaped(
    op,
    value,
    shape.filter((size) => size !== 1),
  );
}

function expandDims(op: OpContext): Value {
  const value = op.input(0);
  const axis = op.constantScalar(1, 'the axis');
  return unsqueezed(op, value, [axisOf(op, axis, op.rank(value, 'the input') + 1)]);
}

function size(op: OpContext): Value {
  const value = op.input(0);
  const type = op.attributes.type('out_type', 'DT_INT32');
  const known = sizeOf(value.shape);
  if (known !== undefined) return constantOf(type, [], [known]);
  return op.castTo(op.emit('Size', [value], { dataType: 'DT_INT64', shape: [] }), type);
}

function transpose(op: OpContext): Value {
  const value = op.input(0);
  const perm = op.constantInput(1, 'perm');
  const rank = value.shape?.length ?? perm.length;
  const isPermutation = perm.length === rank && perm.toSorted((a, b) => a - b).every((axis, index) => axis === index);
  if (!isPermutation) op.invalid(`perm [${perm}] for an input of rank ${rank}`);
  return transposed(op, value, perm);
}

/** What the model says about a tensor's shape is believed where the graph says nothing. */
function ensureShape(op: OpContext): Value {
  const value = op.input(0);
  const shape = mergeShapes(value.shape, op.attributes.shape('shape'));
  if (value.constant !== undefined) return value;
  return op.emit('Identity', [value], { dataType: value.dataType, shape });
}

export const SHAPE_OPS: readonly TfOp[] = [
  {
    op: 'Shape',
    source: 'Shape(input (…); out_type) -> [rank]',
    target: 'Shape(data), Cast; a constant where the shape is known',
    convert: (op) => sizes(op, op.input(0)),
  },
  {
    op: 'ShapeN',
    source: 'ShapeN(input (…)…; out_type) -> [rank]…',
    target: 'Shape(data), Cast, per input',
    convert: (op) => op.inputs.map((value) => sizes(op, value)),
  },
  {
    op: 'Rank',
    source: 'Rank(input (…)) -> []',
    target: 'a constant',
    limits: 'Inputs of unknown rank.',
    convert: (op) => constantOf('DT_INT32', [], [op.rank(op.input(0), 'the input')]),
  },
  { op: 'Size', source: 'Size(input (…); out_type) -> []', target: 'Size(data), Cast', convert: size },
  {
    op: 'Reshape',
    source: 'Reshape(tensor (…), shape [rank]) -> (…), one dimension may be -1',
    target: 'Reshape(data, shape)',
    convert: reshape,
    fold: foldReshape,
  },
  {
    op: 'Squeeze',
    source: 'Squeeze(input (…); squeeze_dims) -> (…)',
    target: 'Squeeze(data, axes)',
    limits: 'Without squeeze_dims the shape must be known.',
    convert: squeeze,
    fold: foldReshape,
  },
  {
    op: 'ExpandDims',
    source: 'ExpandDims(input (…), dim []) -> (…)',
    target: 'Unsqueeze(data, axes)',
    limits: 'A dim that is not constant.',
    convert: expandDims,
    fold: foldReshape,
  },
  {
    op: 'Transpose',
    source: 'Transpose(x (…), perm [rank]) -> (…)',
    target: 'Transpose(data; perm)',
    limits: 'A perm that is not constant.',
    convert: transpose,
    fold: (op) => (op.input(0).shape?.length === 1 ? inputElements(op, 0) : undefined),
  },
  {
    op: 'EnsureShape',
    source: 'EnsureShape(input (…); shape) -> (…)',
    target: 'Identity(input)',
    convert: ensureShape,
    fold: foldReshape,
  },
];
