import { int, string } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import { addSizes, mulSizes, UNKNOWN } from '../shape-arithmetic.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { reshaped, reshapedTo, shapeVector, sliced, transposed } from './common.ts';
import { fromChannelsFirst, toChannelsFirst } from './layout.ts';

/** Sizes of which some only a run knows, as the vector Reshape takes: unknown ones are computed from `source`. */
interface ReshapePart {
  readonly size: number;
  /** Axis of the source tensor the unknown size is taken from, and what it is multiplied or divided by. */
  readonly axis: number;
  readonly times?: number;
  readonly over?: number;
}

function reshapedByParts(op: OpContext, value: Value, parts: readonly ReshapePart[]): Value {
  const shape = parts.map((part) => part.size);
  const unknowns = shape.filter((size) => size === UNKNOWN).length;
  if (unknowns <= 1 && !shape.includes(0)) return reshaped(op, value, shape);
  const sizes = shapeVector(op, value);
  const entries = parts.map((part) => {
    if (part.size !== UNKNOWN) return op.numbers('DT_INT64', [1], [part.size]);
    const own = sliced(op, sizes, { starts: [part.axis], ends: [part.axis + 1], axes: [0] }, [1]);
    const facts = { dataType: 'DT_INT64' as const, shape: [1] };
    const scaled =
      part.times === undefined ? own : op.emit('Mul', [own, op.numbers('DT_INT64', [1], [part.times])], facts);
    return part.over === undefined ? scaled : op.emit('Div', [scaled, op.numbers('DT_INT64', [1], [part.over])], facts);
  });
  const vector = op.emit('Concat', entries, { dataType: 'DT_INT64', shape: [entries.length] }, { axis: int(0) });
  return reshapedTo(op, value, vector, shape);
}

/** Pairs of a constant (m, 2) input. */
function constantPairs(op: OpContext, index: number, what: string): readonly (readonly [number, number])[] {
  const flat = op.constantInput(index, what);
  return Array.from(
    { length: flat.length / 2 },
    (_, row) => [flat[2 * row] as number, flat[2 * row + 1] as number] as const,
  );
}

function dividedSize(op: OpContext, size: number, block: number): number {
  if (size === UNKNOWN) return UNKNOWN;
  if (size % block !== 0) op.invalid(`${size} elements are not a multiple of the block ${block}`);
  return size / block;
}

/** (N, s1, …, C) padded, cut into blocks and the places within a block moved to the batch: (N * blocks, s1 / b1, …, C). */
function spaceToBatch(op: OpContext): Value {
  const blocks = op.constantInput(1, 'block_shape');
  const pairs = constantPairs(op, 2, 'paddings');
  const x = op.input(0);
  const rank = op.rank(x, 'the input');
  const m = blocks.length;
  const front = [0, ...pairs.map(([before]) => before), ...new Array<number>(rank - m - 1).fill(0)];
  const end = [0, ...pairs.map(([, after]) => after), ...new Array<number>(rank - m - 1).fill(0)];
  const paddedSizes = (x.shape as readonly number[]).map((size, axis) =>
    addSizes(size, front[axis] as number, end[axis] as number),
  );
  const pads = op.numbers('DT_INT64', [rank * 2], [...front, ...end]);
  const padded = op.emit('Pad', [x, pads], { dataType: x.dataType, shape: paddedSizes }, { mode: string('constant') });
  const cut: ReshapePart[] = paddedSizes.flatMap((size, axis) => {
    const block = axis >= 1 && axis <= m ? (blocks[axis - 1] as number) : undefined;
    if (block === undefined) return [{ size, axis }];
    return [
      { size: dividedSize(op, size, block), axis, over: block },
      { size: block, axis },
    ];
  });
  const inBlock = blocks.map((_, index) => 2 + 2 * index);
  const outer = blocks.map((_, index) => 1 + 2 * index);
  const rest = Array.from({ length: rank - m - 1 }, (_, index) => 1 + 2 * m + index);
  const moved = transposed(op, reshapedByParts(op, padded, cut), [...inBlock, 0, ...outer, ...rest]);
  const factor = mulSizes(...blocks);
  // Axis m of the transposed tensor is the batch, the ones after it are the outer ones.
  const joined: ReshapePart[] = [
    { size: mulSizes(paddedSizes[0] as number, factor), axis: m, times: factor },
    ...[...outer, ...rest].map((_, index) => ({ size: moved.shape?.[m + 1 + index] ?? UNKNOWN, axis: m + 1 + index })),
  ];
  return reshapedByParts(op, moved, joined);
}

/** Inverse of `spaceToBatch`: blocks back from the batch, then `crops` cut off. */
function batchToSpace(op: OpContext): Value {
  const blocks = op.constantInput(1, 'block_shape');
  const crops = constantPairs(op, 2, 'crops');
  const x = op.input(0);
  const rank = op.rank(x, 'the input');
  const m = blocks.length;
  const sizes = x.shape as readonly number[];
  const factor = mulSizes(...blocks);
  const batch = dividedSize(op, sizes[0] as number, factor);
  const cut: ReshapePart[] = [
    ...blocks.map((size) => ({ size, axis: 0 })),
    { size: batch, axis: 0, over: factor },
    ...sizes.slice(1).map((size, index) => ({ size, axis: index + 1 })),
  ];
  const interleaved = blocks.flatMap((_, index) => [m + 1 + index, index]);
  const rest = Array.from({ length: rank - m - 1 }, (_, index) => 2 * m + 1 + index);
  const moved = transposed(op, reshapedByParts(op, x, cut), [m, ...interleaved, ...rest]);
  const joined: ReshapePart[] = [
    { size: batch, axis: 0 },
    ...blocks.map((block, index) => ({
      size: mulSizes(sizes[index + 1] as number, block),
      axis: 1 + 2 * index,
      times: block,
    })),
    ...rest.map((axis) => ({ size: moved.shape?.[axis] ?? UNKNOWN, axis })),
  ];
  const whole = reshapedByParts(op, moved, joined);
  if (crops.every(([front, end]) => front === 0 && end === 0)) return whole;
  const axes = crops.map((_, index) => index + 1);
  const shape = whole.shape?.map((size, axis) => {
    const [front, end] = crops[axis - 1] ?? [0, 0];
    return size === UNKNOWN ? UNKNOWN : Math.max(size - front - end, 0);
  });
  // An end of 0 would be the front: nothing is cut there.
  const ends = crops.map(([, end]) => (end === 0 ? 2 ** 31 - 1 : -end));
  return sliced(op, whole, { starts: crops.map(([front]) => front), ends, axes }, shape);
}

function depthSpace(opType: 'DepthToSpace' | 'SpaceToDepth') {
  return (op: OpContext): Value => {
    const x = toChannelsFirst(op, op.input(0));
    const block = op.attributes.int('block_size');
    const [batch, channels, height, width] = op.shapeOfRank(x, 4, 'the input') as [number, number, number, number];
    const area = block * block;
    const shape =
      opType === 'DepthToSpace'
        ? [batch, dividedSize(op, channels, area), mulSizes(height, block), mulSizes(width, block)]
        : [batch, mulSizes(channels, area), dividedSize(op, height, block), dividedSize(op, width, block)];
    return fromChannelsFirst(op, op.emit(opType, [x], { dataType: x.dataType, shape }, { blocksize: int(block) }));
  };
}

export const SPACE_OPS: readonly TfOp[] = [
  {
    op: 'SpaceToBatchND',
    source: 'SpaceToBatchND(input (N, s…, C), block_shape [m], paddings (m, 2)) -> (N * blocks, s / block…, C)',
    target: 'Pad, Reshape, Transpose, Reshape; together with Conv2D and BatchToSpaceND: Conv(dilations)',
    limits: 'block_shape or paddings that are not constant.',
    convert: spaceToBatch,
  },
  {
    op: 'BatchToSpaceND',
    source: 'BatchToSpaceND(input (N * blocks, s…, C), block_shape [m], crops (m, 2)) -> (N, s * block…, C)',
    target: 'Reshape, Transpose, Reshape, Slice',
    limits: 'block_shape or crops that are not constant.',
    convert: batchToSpace,
  },
  {
    op: 'DepthToSpace',
    source: 'DepthToSpace(input (N, H, W, C); block_size, data_format) -> (N, H * b, W * b, C / b²)',
    target: 'DepthToSpace(input (N, C, H, W); blocksize, mode = DCR)',
    convert: depthSpace('DepthToSpace'),
  },
  {
    op: 'SpaceToDepth',
    source: 'SpaceToDepth(input (N, H, W, C); block_size, data_format) -> (N, H / b, W / b, C * b²)',
    target: 'SpaceToDepth(input (N, C, H, W); blocksize)',
    convert: depthSpace('SpaceToDepth'),
  },
];
