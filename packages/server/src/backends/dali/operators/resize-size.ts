import {
  type NamedTensors,
  type OpArguments,
  OperatorError,
  type PerSample,
  roundHalfAway,
} from '../pipeline/index.ts';

/** Size and source region of one axis; `lo` greater than `hi` flips. */
export interface ResizeAxis {
  readonly outputSize: number;
  readonly lo: number;
  readonly hi: number;
}

type Mode = 'default' | 'stretch' | 'not_larger' | 'not_smaller';
type Pair = readonly [number, number];

interface SizeOptions {
  readonly mode: Mode;
  readonly maxSize: Pair | undefined;
  readonly subpixelScale: boolean;
}

/** DALI clamps what it computes to intervals in which the arithmetic stays sane. */
const MAX_COORDINATE = 1e9;
const MAX_ADJUSTMENT = 10;

/** Reads the arguments that say how large the result is. The function gives [height, width] for a sample. */
export function compileResizeSize(
  args: OpArguments,
): (named: NamedTensors, layout: string, shape: readonly number[]) => readonly [ResizeAxis, ResizeAxis] {
  const requested = readRequested(args);
  const mode = readMode(args);
  const maxSize = pair(args.floats('max_size'));
  const subpixelScale = args.bool('subpixel_scale', true);
  const roiStart = args.perSample('roi_start');
  const roiEnd = args.perSample('roi_end');
  const roiRelative = args.bool('roi_relative', false);
  if ((roiStart === undefined) !== (roiEnd === undefined))
    throw args.fail('arguments "roi_start" and "roi_end" must be given together');
  return (named, layout, shape) => {
    const row = layout.indexOf('H');
    const extents: Pair = [shape[row]!, shape[row + 1]!];
    const roi = (read: PerSample | undefined, fallback: Pair): Pair => {
      const values = read === undefined ? fallback : pairOf(read(named), 'roi');
      return roiRelative && read !== undefined ? [values[0] * extents[0], values[1] * extents[1]] : values;
    };
    return computeSize(requested(named), roi(roiStart, [0, 0]), roi(roiEnd, extents), extents, {
      mode,
      maxSize,
      subpixelScale,
    });
  };
}

/** [height, width] as asked for; 0 leaves an extent open, a negative one flips. */
function readRequested(args: OpArguments): (named: NamedTensors) => Pair {
  const x = args.perSample('resize_x');
  const y = args.perSample('resize_y');
  const size = args.perSample('size');
  const shorter = args.perSample('resize_shorter');
  const longer = args.perSample('resize_longer');
  if (args.has('resize_z')) throw args.fail('volumetric resizing ("resize_z") is not supported');
  const methods = [x ?? y, size, shorter, longer].filter((method) => method !== undefined);
  if (methods.length !== 1) {
    throw args.fail(
      'the size must be given in one way: "resize_x" and "resize_y", "size", "resize_shorter" or "resize_longer"',
    );
  }
  if (size !== undefined) return (named) => pairOf(size(named), 'size');
  const uniform = shorter ?? longer;
  if (uniform !== undefined) return (named) => pairOf([uniform(named)[0] ?? 0], 'size');
  return (named) => [y?.(named)[0] ?? 0, x?.(named)[0] ?? 0];
}

function readMode(args: OpArguments): Mode {
  const shorter = args.has('resize_shorter');
  if (!shorter && !args.has('resize_longer'))
    return args.choice('mode', ['default', 'stretch', 'not_larger', 'not_smaller'] as const, 'default');
  if (args.has('mode')) throw args.fail('argument "mode" does not go with "resize_shorter" or "resize_longer"');
  return shorter ? 'not_smaller' : 'not_larger';
}

function pair(values: readonly number[] | undefined): Pair | undefined {
  return values === undefined || values.length === 0 ? undefined : pairOf(values, 'max_size');
}

function pairOf(values: readonly number[], what: string): Pair {
  if (values.length === 1) return [values[0]!, values[0]!];
  if (values.length !== 2)
    throw new OperatorError(`"${what}" has ${values.length} elements; height and width are expected`);
  return [values[0]!, values[1]!];
}

/** DALI's CalculateSampleParams (operators/image/resize/resize_attr_base.cc), arrays in order height, width. */
function computeSize(
  requested: Pair,
  start: Pair,
  end: Pair,
  extents: Pair,
  options: SizeOptions,
): readonly [ResizeAxis, ResizeAxis] {
  const regions = [0, 1].map((d) => {
    const lo = Math.fround(start[d]!);
    const hi = Math.fround(end[d]!);
    const wanted = Math.fround(requested[d]!);
    return hi < lo ? { lo: hi, hi: lo, wanted: -wanted } : { lo, hi, wanted };
  });
  const sizes = adjustSizes(
    regions.map((region) => region.wanted),
    regions.map((region) => Math.fround(region.hi - region.lo)),
    options,
  );
  const isEmpty = extents.some((extent) => extent === 0);
  const axes = regions.map((region, d) => {
    if (region.lo === region.hi && sizes[d] !== 0)
      throw new OperatorError('cannot produce a non-empty image from an empty input');
    return placeAxis(region, sizes[d]!, isEmpty ? 0 : 1, options.subpixelScale);
  });
  return [axes[0]!, axes[1]!];
}

function placeAxis(
  region: { lo: number; hi: number },
  size: number,
  minimum: number,
  subpixelScale: boolean,
): ResizeAxis {
  const exact = Math.abs(size);
  const outputSize = Math.max(minimum, roundHalfAway(exact));
  let [lo, hi] = size < 0 ? [region.hi, region.lo] : [region.lo, region.hi];
  if (subpixelScale && outputSize !== exact) {
    // The rounded size shows a little more or less of the source, so that the scale stays what was asked for.
    const adjustment = Math.min(outputSize / exact, MAX_ADJUSTMENT);
    const centre = Math.fround(lo + hi) * 0.5;
    const move = (edge: number): number => Math.fround(clamp(centre + (edge - centre) * adjustment));
    [lo, hi] = [move(lo), move(hi)];
  }
  return { outputSize, lo, hi };
}

function clamp(value: number): number {
  return Math.min(Math.max(value, -MAX_COORDINATE), MAX_COORDINATE);
}

/** Fills in the extents that were left open and applies mode and limit (AdjustOutputSize of the same file), in its mix of float and double. */
function adjustSizes(wanted: readonly number[], inputs: readonly number[], { mode, maxSize }: SizeOptions): number[] {
  const sizes = [...wanted];
  const given = sizes.map((size, d) => size !== 0 && inputs[d] !== 0);
  const scales = sizes.map((size, d) => (inputs[d] === 0 ? 1 : Math.fround(size / inputs[d]!)));
  if (!given.includes(true)) return [...inputs];
  if (mode === 'not_larger' || mode === 'not_smaller') {
    const absolute = scales.filter((_, d) => given[d]).map((scale) => Math.abs(scale));
    let scale = mode === 'not_smaller' ? Math.max(...absolute) : Math.min(...absolute);
    for (const [d, limit] of (maxSize ?? []).entries()) if (limit > 0) scale = Math.min(scale, limit / inputs[d]!);
    return sizes.map((size, d) => {
      if (given[d] && Math.abs(scales[d]!) === scale) return size;
      return Math.fround(inputs[d]! * (scales[d]! < 0 ? -scale : scale));
    });
  }
  const known = scales.filter((_, d) => given[d]).map((scale) => Math.abs(scale));
  const average = mode === 'stretch' ? 1 : known.reduce((product, scale) => product * scale, 1) ** (1 / known.length);
  return sizes.map((size, d) => {
    const filled = given[d] ? size : Math.fround(inputs[d]! * average);
    const limit = maxSize?.[d] ?? 0;
    return limit > 0 && Math.abs(filled) > limit ? Math.sign(filled) * Math.fround(limit) : filled;
  });
}
