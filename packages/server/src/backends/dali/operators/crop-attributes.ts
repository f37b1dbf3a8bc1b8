import { type NamedTensors, type OpArguments, OperatorError } from '../pipeline/index.ts';
import { anchorOf, fitWindow, OUT_OF_BOUNDS_POLICIES, type OutOfBoundsPolicy, type Window } from './window.ts';

/** DALI's crop arguments, shared by Crop, CropMirrorNormalize and the cropping decoder. */
export interface CropAttributes {
  readonly policy: OutOfBoundsPolicy;
  readonly fillValues: readonly number[];
  /** The window for a sample; the whole sample when no crop is asked for. Throws OperatorError when it does not fit under policy `error`. */
  window(named: NamedTensors, layout: string, shape: readonly number[]): Window;
}

/** `crop` is (height, width); `crop_h` and `crop_w` are the same apart. Sizes are truncated to integers; 0 keeps the extent. */
export function compileCrop(args: OpArguments): CropAttributes {
  const crop = args.perSample('crop');
  const height = args.perSample('crop_h');
  const width = args.perSample('crop_w');
  if (crop !== undefined && (height !== undefined || width !== undefined)) {
    throw args.fail('arguments "crop" and "crop_h", "crop_w" exclude each other');
  }
  if ((height === undefined) !== (width === undefined))
    throw args.fail('arguments "crop_h" and "crop_w" must be given together');
  if (args.has('crop_d')) throw args.fail('volumetric crops ("crop_d") are not supported');
  args.ignore('crop_pos_z');
  const x = args.perSampleScalar('crop_pos_x', 0.5);
  const y = args.perSampleScalar('crop_pos_y', 0.5);
  const rounding = args.choice('rounding', ['round', 'truncate'] as const, 'round');
  const policy = args.choice('out_of_bounds_policy', OUT_OF_BOUNDS_POLICIES, 'error');
  const fillValues = args.floats('fill_values') ?? [0];
  const sizes = (named: NamedTensors): readonly number[] => {
    if (crop !== undefined) return crop(named);
    return height === undefined || width === undefined ? [0, 0] : [height(named)[0] ?? 0, width(named)[0] ?? 0];
  };
  return {
    policy,
    fillValues,
    window(named, layout, shape) {
      const requested = sizes(named);
      if (requested.length !== 2)
        throw new OperatorError(`"crop" has ${requested.length} elements; height and width are expected`);
      const anchor = shape.map(() => 0);
      const extents = [...shape];
      for (const [name, size, position] of [
        ['H', requested[0]!, y(named)],
        ['W', requested[1]!, x(named)],
      ] as const) {
        const axis = layout.indexOf(name);
        const extent = Math.trunc(size);
        if (extent < 0) throw new OperatorError(`the crop's size ${size} is negative`);
        if (extent === 0) continue;
        if (!(position >= 0 && position <= 1))
          throw new OperatorError(`the crop's position ${position} is not within 0 and 1`);
        extents[axis] = extent;
        anchor[axis] = anchorOf(position, shape[axis]!, extent, rounding);
      }
      return fitWindow({ anchor, shape: extents }, shape, policy);
    },
  };
}
