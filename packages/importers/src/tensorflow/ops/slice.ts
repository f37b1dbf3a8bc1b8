import { inputElements } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import { addSizes, UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import { type Elements, isKnown, type Value } from '../value.ts';
import { axisOf, concatenated, sliced, squeezed, unsqueezed } from './common.ts';

/** Bounds far outside any tensor: ONNX clamps them to its ends. */
const FAR_END = 2 ** 31 - 1;
const FAR_FRONT = -(2 ** 31);

/** What a StridedSlice does to one axis of its input. */
interface AxisRange {
  /** undefined: known only when the model runs. */
  readonly begin: number | undefined;
  readonly end: number | undefined;
  readonly stride: number;
  /** The entry of begin, end and strides this came from. */
  readonly entry: number;
  /** A single index: the axis disappears. */
  readonly shrink: boolean;
}

interface SlicePlan {
  /** One per axis of the input; undefined keeps the axis whole. */
  readonly ranges: readonly (AxisRange | undefined)[];
  /** Axes of size 1 to add, as positions in the result. */
  readonly newAxes: readonly number[];
}

interface Masks {
  readonly begin: number;
  readonly end: number;
  readonly ellipsis: number;
  readonly newAxis: number;
  readonly shrink: number;
}

/** begin, end and strides with the five masks, axis by axis. */
function planSlice(op: OpContext, rank: number): SlicePlan {
  const begin = inputElements(op, 1);
  const end = inputElements(op, 2);
  const strides = op.constantInput(3, 'strides');
  const masks = readMasks(op);
  const bit = (mask: number, entry: number): boolean => ((mask >> entry) & 1) === 1;
  const entries = strides.length;
  const explicit = strides.filter((_, entry) => !bit(masks.ellipsis, entry) && !bit(masks.newAxis, entry)).length;
  if (explicit > rank) op.invalid(`${explicit} ranges for an input of rank ${rank}`);
  const ranges: (AxisRange | undefined)[] = [];
  const newAxes: number[] = [];
  let resultAxis = 0;
  for (let entry = 0; entry < entries; entry++) {
    if (bit(masks.ellipsis, entry)) {
      const skipped = rank - explicit;
      ranges.push(...new Array<undefined>(skipped).fill(undefined));
      resultAxis += skipped;
    } else if (bit(masks.newAxis, entry)) newAxes.push(resultAxis++);
    else {
      const shrink = bit(masks.shrink, entry);
      const stride = shrink ? 1 : (strides[entry] as number);
      if (stride === 0) op.invalid('a stride is 0');
      const from = bit(masks.begin, entry) && !shrink ? (stride > 0 ? 0 : FAR_END) : begin[entry];
      const to = bit(masks.end, entry) ? (stride > 0 ? FAR_END : FAR_FRONT) : end[entry];
      ranges.push({ begin: from, end: shrink ? shrinkEnd(from) : to, stride, entry, shrink });
      if (!shrink) resultAxis++;
    }
  }
  while (ranges.length < rank) ranges.push(undefined);
  return { ranges, newAxes };
}

/** One element from `begin`: up to the next, but from -1 up to the end. */
function shrinkEnd(begin: number | undefined): number | undefined {
  if (begin === undefined) return undefined;
  return begin === -1 ? FAR_END : begin + 1;
}

function readMasks(op: OpContext): Masks {
  const mask = (name: string): number => op.attributes.int(name, 0);
  const masks = {
    begin: mask('begin_mask'),
    end: mask('end_mask'),
    ellipsis: mask('ellipsis_mask'),
    newAxis: mask('new_axis_mask'),
    shrink: mask('shrink_axis_mask'),
  };
  if ((masks.ellipsis & (masks.ellipsis - 1)) !== 0) op.invalid('ellipsis_mask has more than one bit');
  return masks;
}

/** Positions [start, stop) in steps that a range covers of an axis of `size` elements, as NumPy clamps them. */
function clampRange(range: AxisRange, size: number): { start: number; stop: number; count: number } | undefined {
  if (range.begin === undefined || range.end === undefined || size === UNKNOWN) return undefined;
  const clamp = (bound: number): number => {
    const position = bound < 0 ? bound + size : bound;
    return range.stride > 0 ? Math.min(Math.max(position, 0), size) : Math.min(Math.max(position, -1), size - 1);
  };
  const [start, stop] = [clamp(range.begin), clamp(range.end)];
  return { start, stop, count: Math.max(0, Math.ceil((stop - start) / range.stride)) };
}

function stridedSlice(op: OpContext): Value {
  const value = op.input(0);
  const shape = value.shape ?? op.unsupported('the rank of the input is not known');
  const plan = planSlice(op, shape.length);
  const axes = plan.ranges.flatMap((range, axis) => (range === undefined || isWhole(range) ? [] : [axis]));
  const ranges = axes.map((axis) => positioned(op, plan.ranges[axis] as AxisRange, shape[axis] as number));
  const sizes = shape.map((size, axis) => {
    const range = plan.ranges[axis];
    if (range === undefined || isWhole(range)) return size;
    return range.shrink ? 1 : (clampRange(range, size)?.count ?? UNKNOWN);
  });
  checkIndices(op, plan, shape);
  let result = value;
  if (axes.length > 0) {
    const bounds = {
      starts: bound(op, ranges, 'begin'),
      ends: bound(op, ranges, 'end'),
      axes,
      steps: ranges.map((range) => range.stride),
    };
    result = sliced(op, value, bounds, sizes);
  }
  const shrunk = plan.ranges.flatMap((range, axis) => (range?.shrink ? [axis] : []));
  return unsqueezed(op, squeezed(op, result, shrunk), plan.newAxes);
}

/**
 * The range with bounds that ONNX and TensorFlow read alike. They differ where a negative stride begins in front of the first element: ONNX
 * begins at it, TensorFlow takes nothing.
 */
function positioned(op: OpContext, range: AxisRange, size: number): AxisRange {
  if (range.stride > 0 || range.begin === FAR_END) return range;
  const clamped = clampRange(range, size);
  if (clamped !== undefined) {
    if (clamped.count === 0) return { ...range, begin: 0, end: 0 };
    return { ...range, begin: clamped.start, end: clamped.stop < 0 ? FAR_FRONT : clamped.stop };
  }
  if (range.begin === undefined || range.begin < -1) {
    op.unsupported('a negative stride on an axis of unknown size, from a place that may be in front of it');
  }
  return range;
}

function isWhole(range: AxisRange): boolean {
  return range.begin === 0 && range.end === FAR_END && range.stride === 1 && !range.shrink;
}

function checkIndices(op: OpContext, plan: SlicePlan, shape: readonly number[]): void {
  for (const [axis, range] of plan.ranges.entries()) {
    const size = shape[axis] as number;
    if (range?.shrink !== true || range.begin === undefined || size === UNKNOWN) continue;
    if (range.begin < -size || range.begin >= size)
      op.invalid(`index ${range.begin} of ${size} elements on axis ${axis}`);
  }
}

/** The begins or ends of ranges: numbers where they are known, else an int64 vector put together when the model runs. */
function bound(op: OpContext, ranges: readonly AxisRange[], which: 'begin' | 'end'): readonly number[] | Value {
  const numbers = ranges.map((range) => range[which]);
  if (isKnown(numbers)) return numbers;
  const parts = ranges.map((range) => {
    const known = range[which];
    if (known !== undefined) return op.numbers('DT_INT64', [1], [known]);
    if (which === 'begin' || !range.shrink) return entryOf(op, which === 'begin' ? 1 : 2, range.entry);
    return endOfSingle(op, entryOf(op, 1, range.entry));
  });
  return concatenated(op, parts, [parts.length]);
}

/** begin + 1, or the far end where begin is -1. */
function endOfSingle(op: OpContext, begin: Value): Value {
  const facts = { dataType: 'DT_INT64' as const, shape: [1] };
  const next = op.emit('Add', [begin, op.numbers('DT_INT64', [1], [1])], facts);
  const isLast = op.emit('Equal', [next, op.numbers('DT_INT64', [1], [0])], { dataType: 'DT_BOOL', shape: [1] });
  return op.emit('Where', [isLast, op.numbers('DT_INT64', [1], [FAR_END]), next], facts);
}

/** Element `entry` of a vector input, as an int64 vector of one. */
function entryOf(op: OpContext, input: number, entry: number): Value {
  const one = sliced(op, op.input(input), { starts: [entry], ends: [entry + 1], axes: [0] }, [1]);
  return op.castTo(one, 'DT_INT64');
}

/** The elements of a slice of a vector: what shape arithmetic needs. */
function foldStridedSlice(op: OpContext): Elements | undefined {
  const { shape, elements } = op.input(0);
  if (shape?.length !== 1 || elements === undefined) return undefined;
  const range = planSlice(op, 1).ranges[0];
  if (range === undefined) return elements;
  const clamped = clampRange(range, elements.length);
  if (clamped === undefined) return undefined;
  return Array.from({ length: clamped.count }, (_, index) => elements[clamped.start + index * range.stride]);
}

/** begin and size per axis; a size of -1 goes to the end. */
function slice(op: OpContext): Value {
  const value = op.input(0);
  const shape = value.shape ?? op.unsupported('the rank of the input is not known');
  const lengths = op.constantInput(2, 'the size');
  const axes = shape.map((_, axis) => axis);
  if (lengths.length !== shape.length) op.invalid(`${lengths.length} sizes for rank ${shape.length}`);
  const begins = op.input(1).elements;
  const sizes = lengths.map((length, axis) => {
    const begin = begins?.[axis];
    const size = shape[axis] as number;
    if (length !== -1) return length;
    return begin === undefined ? UNKNOWN : addSizes(size, size === UNKNOWN ? 0 : -begin);
  });
  if (isKnown(begins)) {
    checkSlice(op, begins, lengths, shape);
    const ends = begins.map((begin, axis) => (lengths[axis] === -1 ? FAR_END : begin + (lengths[axis] as number)));
    return sliced(op, value, { starts: begins, ends, axes }, sizes);
  }
  const starts = op.castTo(op.input(1), 'DT_INT64');
  const vector = { dataType: 'DT_INT64' as const, shape: [lengths.length] };
  const open = lengths.map((length) => (length === -1 ? FAR_END : length));
  const ends = op.emit('Add', [starts, op.numbers('DT_INT64', [open.length], open)], vector);
  return sliced(op, value, { starts, ends, axes }, sizes);
}

function checkSlice(
  op: OpContext,
  begins: readonly number[],
  lengths: readonly number[],
  shape: readonly number[],
): void {
  for (const [axis, size] of shape.entries()) {
    const [begin, length] = [begins[axis] as number, lengths[axis] as number];
    const isInside = begin >= 0 && length >= -1 && (size === UNKNOWN || begin + Math.max(length, 0) <= size);
    if (!isInside) op.invalid(`elements ${begin} to ${begin + length} of ${size} on axis ${axis}`);
  }
}

function reverse(op: OpContext): Value {
  const value = op.input(0);
  const rank = op.rank(value, 'the input');
  const axes = op.constantInput(1, 'the axes').map((axis) => axisOf(op, axis, rank));
  if (axes.length === 0) return value;
  const all = (bound: number): number[] => axes.map(() => bound);
  return sliced(op, value, { starts: all(FAR_END), ends: all(FAR_FRONT), axes, steps: all(-1) }, value.shape);
}

export const SLICE_OPS: readonly TfOp[] = [
  {
    op: 'StridedSlice',
    source:
      'StridedSlice(input (…), begin [n], end [n], strides [n]; begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask) -> (…)',
    target: 'Slice(data, starts, ends, axes, steps), Squeeze, Unsqueeze',
    limits: 'Strides that are not constant; an input of unknown rank.',
    convert: stridedSlice,
    fold: foldStridedSlice,
  },
  {
    op: 'Slice',
    source: 'Slice(input (…), begin [rank], size [rank]) -> (…)',
    target: 'Slice(data, starts, ends, axes)',
    limits: 'A size that is not constant.',
    convert: slice,
    fold: (op, result) => {
      const begin = inputElements(op, 1)[0];
      const length = result.shape?.[0];
      if (op.input(0).shape?.length !== 1 || begin === undefined || length === undefined) return undefined;
      return inputElements(op, 0).slice(begin, begin + length);
    },
  },
  {
    op: 'ReverseV2',
    source: 'ReverseV2(tensor (…), axis [n]) -> (…)',
    target: 'Slice(data, starts, ends, axes, steps = -1)',
    limits: 'Axes that are not constant.',
    convert: reverse,
    fold: (op) =>
      op.input(0).shape?.length === 1 && op.input(1).elements?.length === 1
        ? inputElements(op, 0).toReversed()
        : undefined,
  },
];
