import { rawConstant, tensor } from '@nereid/onnx';
import { inputElements } from '../fold.ts';
import type { Shape } from '../graph-def.ts';
import type { OpContext } from '../op-context.ts';
import { isStatic, mulSizes, sizeOf, UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import { constantOf, type Elements, isKnown, type Value } from '../value.ts';
import { shapeVector } from './common.ts';

/** The shape that a vector of sizes describes, as far as it is known. */
function shapeOf(dims: Value): Shape {
  if (dims.elements?.every((size) => size === undefined || Number.isSafeInteger(size)))
    return dims.elements.map((size) => size ?? UNKNOWN);
  const rank = dims.shape?.[0] ?? UNKNOWN;
  return rank === UNKNOWN ? undefined : new Array<number>(rank).fill(UNKNOWN);
}

/** A tensor of the given sizes, every element `value`. */
function filled(op: OpContext, dims: Value, value: Value, shape: Shape): Value {
  const facts = { dataType: value.dataType, shape };
  const constant = value.constant;
  if (constant?.content.kind === 'raw') {
    const scalar = rawConstant('', op.elementType(constant.dataType), [1], constant.content.bytes);
    return op.emit('ConstantOfShape', [op.castTo(dims, 'DT_INT64')], facts, { value: tensor(scalar) });
  }
  return op.emit('Expand', [value, op.castTo(dims, 'DT_INT64')], facts);
}

function fill(op: OpContext): Value {
  const dims = op.input(0);
  if (op.input(1).shape?.length !== 0) op.invalid('the value must be a scalar');
  return filled(op, dims, op.input(1), shapeOf(dims));
}

/** Zeros or ones of a value's own shape and type. */
function filledLike(op: OpContext, element: number): Value {
  const x = op.input(0);
  const scalar = constantOf(x.dataType, [], [element]);
  return filled(
    op,
    isStatic(x.shape) ? constantOf('DT_INT64', [x.shape.length], x.shape) : shapeVector(op, x),
    scalar,
    x.shape,
  );
}

const foldLike =
  (element: number) =>
  (_op: OpContext, result: Value): Elements =>
    new Array<number>(sizeOf(result.shape) ?? 0).fill(element);

function range(op: OpContext): Value {
  const [start, limit, delta] = [op.input(0), op.input(1), op.input(2)];
  const bounds = [start, limit, delta].map((value) => value.elements?.[0]);
  const count = isKnown(bounds) ? rangeLength(bounds) : UNKNOWN;
  if (Number.isNaN(count)) op.invalid(`start, limit and delta are ${bounds}`);
  return op.emit('Range', [start, limit, delta], { dataType: start.dataType, shape: [count] });
}

function rangeLength([start = 0, limit = 0, delta = 0]: readonly number[]): number {
  return delta === 0 ? Number.NaN : Math.max(0, Math.ceil((limit - start) / delta));
}

function tile(op: OpContext): Value {
  const [x, multiples] = [op.input(0), op.input(1)];
  const factors = op.integerElements(1, 'multiples');
  const shape = x.shape?.map((size, axis) => mulSizes(size, factors?.[axis] ?? UNKNOWN));
  return op.emit('Tile', [x, op.castTo(multiples, 'DT_INT64')], { dataType: x.dataType, shape });
}

export const FILL_OPS: readonly TfOp[] = [
  {
    op: 'Fill',
    source: 'Fill(dims [rank], value []) -> (dims…)',
    target: 'ConstantOfShape(dims; value), or Expand(value, dims)',
    convert: fill,
    fold: (op, result) => new Array<number | undefined>(sizeOf(result.shape) ?? 0).fill(inputElements(op, 1)[0]),
  },
  {
    op: 'ZerosLike',
    source: 'ZerosLike(x (…)) -> (…)',
    target: 'ConstantOfShape(Shape(x))',
    convert: (op) => filledLike(op, 0),
    fold: foldLike(0),
  },
  {
    op: 'OnesLike',
    source: 'OnesLike(x (…)) -> (…)',
    target: 'ConstantOfShape(Shape(x))',
    convert: (op) => filledLike(op, 1),
    fold: foldLike(1),
  },
  {
    op: 'Range',
    source: 'Range(start [], limit [], delta []) -> [n]',
    target: 'Range(start, limit, delta)',
    convert: range,
    fold: (op, result) => {
      const [start, delta] = [inputElements(op, 0)[0], inputElements(op, 2)[0]];
      if (start === undefined || delta === undefined) return undefined;
      return Array.from({ length: sizeOf(result.shape) ?? 0 }, (_, index) => start + index * delta);
    },
  },
  {
    op: 'Tile',
    source: 'Tile(input (…), multiples [rank]) -> (…)',
    target: 'Tile(input, repeats)',
    convert: tile,
  },
  {
    op: 'BroadcastTo',
    source: 'BroadcastTo(input (…), shape [rank]) -> (shape…)',
    target: 'Expand(input, shape)',
    convert: (op) => {
      const [x, dims] = [op.input(0), op.input(1)];
      return op.emit('Expand', [x, op.castTo(dims, 'DT_INT64')], { dataType: x.dataType, shape: shapeOf(dims) });
    },
  },
];
