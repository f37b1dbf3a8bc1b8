import { int, split as splitNode } from '@nereid/onnx';
import { inputElements } from '../fold.ts';
import type { Shape } from '../graph-def.ts';
import type { OpContext } from '../op-context.ts';
import { addSizes, mergeShapes, sizeOf, UNKNOWN } from '../shape-arithmetic.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import { computedValue, type Elements, type Value } from '../value.ts';
import { axisOf, knownSize, squeezed, unsqueezed } from './common.ts';

const MAX_PARTS = 100_000;

/** Values one after the other along an axis; they agree on all others. */
function concat(op: OpContext, values: readonly Value[], axis: number): Value {
  const shapes = values.map((value) => value.shape);
  const rank = shapes.find((shape) => shape !== undefined)?.length;
  if (rank === undefined) return op.unsupported('the rank of the inputs is not known');
  if (shapes.some((shape) => shape !== undefined && shape.length !== rank)) op.invalid('the inputs differ in rank');
  const at = axisOf(op, axis, rank);
  const first = values[0] as Value;
  if (values.length === 1) return first;
  const total = addSizes(...shapes.map((shape) => shape?.[at] ?? UNKNOWN));
  const others = shapes.map((shape) => shape?.with(at, UNKNOWN)).reduce<Shape>(mergeShapes, undefined);
  const shape = others?.with(at, total);
  return op.emit('Concat', values, { dataType: first.dataType, shape }, { axis: int(at) });
}

/** Row-major elements of tensors joined along `axis`. */
function joinElements(values: readonly Value[], axis: number): Elements | undefined {
  const outer = sizeOf(values[0]?.shape?.slice(0, axis));
  if (outer === undefined || outer === 0) return undefined;
  return Array.from({ length: outer }, (_, row) =>
    values.flatMap(({ elements = [] }) => {
      const run = elements.length / outer;
      return elements.slice(row * run, (row + 1) * run);
    }),
  ).flat();
}

/** The part of a tensor with `index` on `axis`, as elements. */
function takeElements(value: Value, axis: number, index: number): Elements | undefined {
  const { shape, elements } = value;
  const outer = sizeOf(shape?.slice(0, axis));
  const inner = sizeOf(shape?.slice(axis + 1));
  if (shape === undefined || elements === undefined || outer === undefined || inner === undefined) return undefined;
  const size = shape[axis] as number;
  return Array.from({ length: outer }, (_, row) => {
    const start = (row * size + index) * inner;
    return elements.slice(start, start + inner);
  }).flat();
}

function pack(op: OpContext): Value {
  const axis = op.attributes.int('axis', 0);
  const rank = op.inputs.find((value) => value.shape !== undefined)?.shape?.length;
  if (rank === undefined) return op.unsupported('the rank of the inputs is not known');
  const at = axisOf(op, axis, rank + 1);
  return concat(
    op,
    op.inputs.map((value) => unsqueezed(op, value, [at])),
    at,
  );
}

function packElements(op: OpContext): Elements | undefined {
  const rank = op.input(0).shape?.length ?? 0;
  const axis = op.attributes.int('axis', 0);
  const at = axis < 0 ? axis + rank + 1 : axis;
  return joinElements(op.inputs, at);
}

function unpack(op: OpContext): readonly Value[] {
  const value = op.input(0);
  const at = axisOf(op, op.attributes.int('axis', 0), op.rank(value, 'the input'));
  const count = op.attributes.int('num');
  const size = value.shape?.[at];
  if (size !== UNKNOWN && size !== count) op.invalid(`axis ${at} has ${size} elements, not ${count}`);
  if (count === 0) return [];
  checkParts(op, count);
  const parts = split(op, value, new Array<number>(count).fill(1), at);
  return parts.map((part, index) => {
    const elements = takeElements(value, at, index);
    const squeezedPart = squeezed(op, part, [at]);
    return elements === undefined ? squeezedPart : { ...squeezedPart, elements };
  });
}

/** A number in an attribute is no reason to make that many outputs. */
function checkParts(op: OpContext, count: number): void {
  if (count > MAX_PARTS) op.unsupported(`${count} parts, more than ${MAX_PARTS}`);
}

/** Parts of the given sizes along an axis. */
function split(op: OpContext, value: Value, sizes: readonly number[], axis: number): readonly Value[] {
  if (sizes.length === 1) return [value];
  const names = sizes.map(() => op.newName('Split'));
  splitNode(op.state.builder, op.nameOf(value), sizes, axis, names);
  return sizes.map((size, index) =>
    computedValue(names[index] as string, value.dataType, value.shape?.with(axis, size)),
  );
}

function splitEvenly(op: OpContext): readonly Value[] {
  const value = op.input(1);
  const axis = axisOf(op, op.constantScalar(0, 'split_dim'), op.rank(value, 'the input'));
  const count = op.attributes.int('num_split');
  const size = knownSize(op, value, axis, 'the size of the axis to split');
  checkParts(op, count);
  if (count < 1 || size % count !== 0) op.invalid(`${size} elements cannot be split into ${count} equal parts`);
  return split(op, value, new Array<number>(count).fill(size / count), axis);
}

function splitBySizes(op: OpContext): readonly Value[] {
  const value = op.input(0);
  const axis = axisOf(op, op.constantScalar(2, 'split_dim'), op.rank(value, 'the input'));
  const sizes = op.constantInput(1, 'size_splits');
  const rest = sizes.indexOf(-1);
  if (rest < 0) return split(op, value, sizes, axis);
  const size = knownSize(op, value, axis, 'the size of the axis to split');
  const others = sizes.reduce((sum, part, index) => (index === rest ? sum : sum + part), 0);
  if (others > size || sizes.lastIndexOf(-1) !== rest) op.invalid(`size_splits [${sizes}] of ${size} elements`);
  return split(op, value, sizes.with(rest, size - others), axis);
}

export const JOIN_OPS: readonly TfOp[] = [
  {
    op: 'ConcatV2',
    source: 'ConcatV2(values (…)…, axis []) -> (…)',
    target: 'Concat(inputs…; axis)',
    limits: 'An axis that is not constant.',
    convert: (op) => concat(op, op.inputs.slice(0, -1), op.constantScalar(op.inputs.length - 1, 'the axis')),
    fold: (op, result) => {
      const axis = inputElements(op, op.inputs.length - 1)[0] ?? 0;
      return joinElements(op.inputs.slice(0, -1), axis < 0 ? axis + (result.shape?.length ?? 0) : axis);
    },
  },
  {
    op: 'Concat',
    source: 'Concat(concat_dim [], values (…)…) -> (…)',
    target: 'Concat(inputs…; axis)',
    limits: 'An axis that is not constant.',
    convert: (op) => concat(op, op.inputs.slice(1), op.constantScalar(0, 'the axis')),
    fold: (op, result) => {
      const axis = inputElements(op, 0)[0] ?? 0;
      return joinElements(op.inputs.slice(1), axis < 0 ? axis + (result.shape?.length ?? 0) : axis);
    },
  },
  {
    op: 'Pack',
    source: 'Pack(values (…)…; axis) -> (…)',
    target: 'Concat(Unsqueeze(value, axis)…; axis)',
    convert: pack,
    fold: packElements,
  },
  ...aliases(['Unpack'], {
    source: 'Unpack(value (…); num, axis) -> (…)…',
    target: 'Split(input; axis), Squeeze per part',
    convert: unpack,
  }),
  {
    op: 'Split',
    source: 'Split(split_dim [], value (…); num_split) -> (…)…',
    target: 'Split(input, split; axis)',
    limits: 'A split_dim that is not constant; an axis of unknown size.',
    convert: splitEvenly,
  },
  {
    op: 'SplitV',
    source: 'SplitV(value (…), size_splits [n], split_dim []) -> (…)…, one size may be -1',
    target: 'Split(input, split; axis)',
    limits: 'size_splits or split_dim that are not constant.',
    convert: splitBySizes,
  },
];
