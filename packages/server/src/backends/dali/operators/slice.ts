import {
  type NamedTensors,
  type OpArguments,
  type OperatorDefinition,
  OperatorError,
  roundHalfAway,
  type SampleTensor,
  sameTypeUnless,
} from '../pipeline/index.ts';
import { cutWindow } from './crop.ts';
import { axesByName, axesByNumber } from './image-layout.ts';
import { fitWindow, OUT_OF_BOUNDS_POLICIES, type Window } from './window.ts';

/** Cuts a box out of a tensor: inputs (data), (data, anchor, shape), or arguments start/end/shape and their relative forms. */
export const slice: OperatorDefinition = {
  names: ['Slice'],
  inputs: [1, 3],
  compile(args) {
    const attributes = compileSlice(args);
    const type = args.dataType('dtype') ?? args.dataType('output_dtype');
    args.ignore('image_type');
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(type),
      run: (context, inputs, named) => {
        const input = inputs[0]!;
        const window = attributes.window(input, inputs.slice(1), named);
        return [cutWindow(context, input, window, attributes.fillValues, type ?? input.type, input.layout)];
      },
    };
  },
};

export interface SliceAttributes {
  readonly fillValues: readonly number[];
  /** `positional` are the anchor and shape inputs, if any. Throws OperatorError when the box does not fit under policy `error`. */
  window(input: SampleTensor, positional: readonly SampleTensor[], named: NamedTensors): Window;
}

/** A point per sliced axis in elements, from an absolute or a relative argument. */
type Edge = (named: NamedTensors, extents: readonly number[]) => readonly number[] | undefined;

export function compileSlice(args: OpArguments): SliceAttributes {
  const axisNames = args.has('axis_names') || !args.has('axes') ? args.string('axis_names', 'WH') : undefined;
  const hasAxisNames = args.has('axis_names');
  const axes = args.ints('axes') ?? [1, 0];
  const policy = args.choice('out_of_bounds_policy', OUT_OF_BOUNDS_POLICIES, 'error');
  const fillValues = args.floats('fill_values') ?? [0];
  const normalizedAnchor = args.bool('normalized_anchor', true);
  const normalizedShape = args.bool('normalized_shape', true);
  const start = edge(args, 'start', 'rel_start');
  const end = edge(args, 'end', 'rel_end');
  const shape = edge(args, 'shape', 'rel_shape');
  if (end !== undefined && shape !== undefined) throw args.fail('arguments "end" and "shape" exclude each other');
  const isPositional = args.regularInputCount > 1;
  if (args.regularInputCount === 2 && shape === undefined && end === undefined) {
    throw args.fail('a slice with an anchor input needs a shape input, or one of the arguments "shape" and "end"');
  }
  if (isPositional && start !== undefined)
    throw args.fail('an anchor input and the argument "start" exclude each other');
  return {
    fillValues,
    window(input, positional, named) {
      const dimensions = input.shape.length;
      const useNames = hasAxisNames || isWithin(axisNames, input.layout);
      const resolved = useNames ? axesByName(axisNames ?? '', input.layout) : axesByNumber(axes, dimensions);
      const extents = resolved.map((axis) => input.shape[axis]!);
      const anchors = isPositional
        ? positionalValues(positional[0]!, extents, normalizedAnchor)
        : start?.(named, extents);
      const ends =
        positional.length > 1
          ? positionalEnds(positional, extents, normalizedAnchor, normalizedShape)
          : (end?.(named, extents) ?? plus(anchors, shape?.(named, extents), extents.length));
      const anchor = input.shape.map(() => 0);
      const size = [...input.shape];
      resolved.forEach((axis, i) => {
        const from = roundHalfAway(element(anchors, i, 0));
        anchor[axis] = from;
        size[axis] = roundHalfAway(element(ends, i, extents[i]!)) - from;
      });
      return fitWindow({ anchor, shape: size }, input.shape, policy);
    },
  };
}

function edge(args: OpArguments, absolute: string, relative: string): Edge | undefined {
  const fixed = args.perSample(absolute);
  const scaled = args.perSample(relative);
  if (fixed !== undefined && scaled !== undefined)
    throw args.fail(`arguments "${absolute}" and "${relative}" exclude each other`);
  if (fixed !== undefined) return fixed;
  return scaled === undefined
    ? undefined
    : (named, extents) => scaled(named).map((value, i) => value * (extents[i] ?? 0));
}

/** Integers are elements; floating-point values are fractions of the extent when normalised. */
function positionalValues(tensor: SampleTensor, extents: readonly number[], normalized: boolean): number[] {
  const scale = normalized && tensor.type.startsWith('FLOAT');
  return tensor.numbers().map((value, i) => (scale ? value * (extents[i] ?? 0) : value));
}

/** Anchor plus shape; both relative are added before they are scaled, so that the sum is rounded once. */
function positionalEnds(
  positional: readonly SampleTensor[],
  extents: readonly number[],
  normalizedAnchor: boolean,
  normalizedShape: boolean,
): number[] {
  const [anchor, shape] = [positional[0]!, positional[1]!];
  const bothScaled =
    normalizedAnchor && normalizedShape && anchor.type.startsWith('FLOAT') && shape.type.startsWith('FLOAT');
  if (bothScaled) {
    const sizes = shape.numbers();
    return anchor.numbers().map((value, i) => (value + element(sizes, i, 0)) * (extents[i] ?? 0));
  }
  return (
    plus(
      positionalValues(anchor, extents, normalizedAnchor),
      positionalValues(shape, extents, normalizedShape),
      extents.length,
    ) ?? []
  );
}

function plus(
  anchors: readonly number[] | undefined,
  sizes: readonly number[] | undefined,
  count: number,
): number[] | undefined {
  if (sizes === undefined) return undefined;
  return Array.from({ length: count }, (_, i) => element(anchors, i, 0) + element(sizes, i, 0));
}

/** Element i of an argument. Throws when the argument is there but too short. */
function element(values: readonly number[] | undefined, i: number, fallback: number): number {
  if (values === undefined) return fallback;
  const value = values[i];
  if (value === undefined || !Number.isFinite(value))
    throw new OperatorError(`the slice has ${values.length} coordinates (${values.join(', ')}) where more are needed`);
  return value;
}

function isWithin(names: string | undefined, layout: string): boolean {
  return names !== undefined && Array.from(names).every((name) => layout.includes(name));
}
