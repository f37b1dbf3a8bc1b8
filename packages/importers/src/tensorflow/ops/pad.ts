import { string } from '@nereid/onnx';
import type { Shape } from '../graph-def.ts';
import type { OpContext } from '../op-context.ts';
import { UNKNOWN } from '../shape-arithmetic.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import { isKnown, type Value } from '../value.ts';
import { knownSize, reshapedTo, transposed } from './common.ts';

/** Elements of an axis that are picked by index. */
const MAX_MIRRORED = 1_000_000;

/** `paddings` (rank, 2) as pairs; undefined when only a run knows them. */
function constantPaddings(op: OpContext): readonly (readonly [number, number])[] | undefined {
  const elements = op.integerElements(1, 'paddings');
  const rank = op.rank(op.input(0), 'the input');
  if (!isKnown(elements)) return undefined;
  if (elements.length !== rank * 2) op.invalid(`paddings of ${elements.length / 2} axes for an input of rank ${rank}`);
  if (elements.some((amount) => amount < 0)) op.invalid(`paddings [${elements}] are negative`);
  return Array.from(
    { length: rank },
    (_, axis) => [elements[2 * axis] as number, elements[2 * axis + 1] as number] as const,
  );
}

/** ONNX's order: all that go in front, then all that go behind. */
function padVector(op: OpContext, pairs: readonly (readonly [number, number])[] | undefined): Value {
  if (pairs !== undefined) {
    const flat = [...pairs.map(([front]) => front), ...pairs.map(([, end]) => end)];
    return op.numbers('DT_INT64', [flat.length], flat);
  }
  const columns = transposed(op, op.castTo(op.input(1), 'DT_INT64'), [1, 0]);
  return reshapedTo(op, columns, op.numbers('DT_INT64', [1], [-1]), [UNKNOWN]);
}

function paddedShape(shape: Shape, pairs: readonly (readonly [number, number])[] | undefined): Shape {
  return shape?.map((size, axis) => {
    const pair = pairs?.[axis];
    return size === UNKNOWN || pair === undefined ? UNKNOWN : size + pair[0] + pair[1];
  });
}

function pad(op: OpContext, filling: Value): Value {
  const x = op.input(0);
  const pairs = constantPaddings(op);
  const facts = { dataType: x.dataType, shape: paddedShape(x.shape, pairs) };
  return op.emit('Pad', [x, padVector(op, pairs), filling], facts, { mode: string('constant') });
}

function mirrorPad(op: OpContext): Value {
  const x = op.input(0);
  const mode = op.attributes.string('mode');
  const pairs = constantPaddings(op);
  if (mode === 'REFLECT') {
    const facts = { dataType: x.dataType, shape: paddedShape(x.shape, pairs) };
    return op.emit('Pad', [x, padVector(op, pairs)], facts, { mode: string('reflect') });
  }
  if (mode !== 'SYMMETRIC') return op.invalid(`mode ${mode}`);
  if (pairs === undefined) return op.unsupported('SYMMETRIC needs constant paddings');
  return pairs.reduce((value, pair, axis) => symmetric(op, value, axis, pair), x);
}

/** Mirrors with the edge repeated, which ONNX has no mode for: elements are picked by index. */
function symmetric(op: OpContext, value: Value, axis: number, [front, end]: readonly [number, number]): Value {
  if (front === 0 && end === 0) return value;
  const size = knownSize(op, value, axis, 'the size of a mirrored axis');
  if (front > size || end > size) op.invalid(`paddings [${front}, ${end}] of ${size} elements on axis ${axis}`);
  if (size > MAX_MIRRORED) op.unsupported(`${size} elements on a mirrored axis, more than ${MAX_MIRRORED}`);
  const indices = Array.from({ length: front + size + end }, (_, position) => {
    const index = position - front;
    if (index < 0) return -index - 1;
    return index < size ? index : 2 * size - index - 1;
  });
  const vector = op.numbers('DT_INT64', [indices.length], indices);
  const shape = value.shape?.with(axis, indices.length);
  return op.emit(
    'Gather',
    [value, vector],
    { dataType: value.dataType, shape },
    { axis: { kind: 'int', value: BigInt(axis) } },
  );
}

export const PAD_OPS: readonly TfOp[] = [
  {
    op: 'Pad',
    source: 'Pad(input (…), paddings (rank, 2)) -> (…), with zeros',
    target: 'Pad(data, pads; mode = constant)',
    convert: (op) => pad(op, op.scalar(op.input(0).dataType, 0)),
  },
  {
    op: 'PadV2',
    source: 'PadV2(input (…), paddings (rank, 2), constant_values []) -> (…)',
    target: 'Pad(data, pads, constant_value; mode = constant)',
    convert: (op) => pad(op, op.input(2)),
  },
  ...aliases(['MirrorPad'], {
    source: 'MirrorPad(input (…), paddings (rank, 2); mode REFLECT|SYMMETRIC) -> (…)',
    target: 'Pad(data, pads; mode = reflect), or Gather(data, mirrored indices; axis) per axis',
    limits: 'SYMMETRIC with paddings that are not constant or on an axis of unknown size.',
    convert: mirrorPad,
  }),
];
