import type { ElementType } from '../format/index.ts';
import {
  denseStrides,
  forEachRow,
  type NamedTensors,
  type OpArguments,
  type OperatorContext,
  type OperatorDefinition,
  OperatorError,
  type SampleTensor,
  saturatingStore,
  volume,
} from '../pipeline/index.ts';
import { axesByName, axesByNumber } from './image-layout.ts';

/** Values over the dimensions that are not reduced; extent 1 where they are. */
interface Statistics {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

interface Settings {
  readonly type: ElementType;
  readonly shift: number;
  readonly scale: number;
  readonly epsilon: number;
  readonly ddof: number;
  readonly mean: ((named: NamedTensors) => Statistics) | undefined;
  readonly stddev: ((named: NamedTensors) => Statistics) | undefined;
  readonly axesOf: (input: SampleTensor) => number[];
}

/**
 * out = scale * (in - mean) / stddev + shift. Mean and deviation that are not given are computed over `axes`, per sample or (`batch`) over all
 * samples of the request: stddev = sqrt(sum((x - mean)^2) / (N - ddof) + epsilon). Where the deviation is 0 the result is `shift`.
 */
export const normalize: OperatorDefinition = {
  names: ['Normalize'],
  inputs: [1, 1],
  compile(args) {
    const settings = readSettings(args);
    const isBatch = args.bool('batch', false) && (settings.mean === undefined || settings.stddev === undefined);
    const inferTypes = () => [settings.type];
    if (isBatch) {
      return {
        scope: 'batch',
        inferTypes,
        runBatch: (context, samples, named) => {
          const inputs = samples.map(([input]) => input!);
          if (inputs.length === 0) return [];
          const statistics = computeStatistics(inputs, settings, named[0]!);
          return inputs.map((input) => [apply(context, input, statistics, settings)]);
        },
      };
    }
    return {
      scope: 'sample',
      inferTypes,
      run: (context, [input], named) => [
        apply(context, input!, computeStatistics([input!], settings, named), settings),
      ],
    };
  },
};

function readSettings(args: OpArguments): Settings {
  const axes = args.ints('axes');
  const axisNames = args.has('axis_names') ? args.string('axis_names', '') : undefined;
  return {
    type: args.dataType('dtype') ?? 'FLOAT',
    shift: args.float('shift', 0),
    scale: args.float('scale', 1),
    epsilon: args.float('epsilon', 0),
    ddof: args.int('ddof', 0),
    mean: readStatistics(args, 'mean'),
    stddev: readStatistics(args, 'stddev'),
    axesOf: (input) => {
      if (axisNames !== undefined) return axesByName(axisNames, input.layout);
      return axes === undefined || axes.length === 0
        ? input.shape.map((_, d) => d)
        : axesByNumber(axes, input.shape.length);
    },
  };
}

function readStatistics(args: OpArguments, name: string): Settings['mean'] {
  const tensor = args.tensor(name);
  if (tensor !== undefined) {
    return (named) => {
      const given = tensor(named)!;
      return { shape: given.shape, values: Float64Array.from(given.numbers()) };
    };
  }
  const values = args.floats(name);
  if (values === undefined) return undefined;
  const constant: Statistics = { shape: values.length === 1 ? [] : [values.length], values: Float64Array.from(values) };
  return () => constant;
}

function computeStatistics(
  inputs: readonly SampleTensor[],
  settings: Settings,
  named: NamedTensors,
): { mean: Statistics; inverse: Statistics } {
  const [first] = inputs;
  const axes = settings.axesOf(first!);
  const shape = first!.shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
  for (const input of inputs) {
    if (
      input.shape.length !== shape.length ||
      input.shape.some((extent, d) => !axes.includes(d) && extent !== shape[d])
    ) {
      throw new OperatorError('samples normalised as one batch must agree in the dimensions that are not reduced');
    }
  }
  const count = inputs.reduce((sum, input) => sum + volume(axes.map((axis) => input.shape[axis]!)), 0);
  const mean = settings.mean?.(named) ?? scaled(accumulate(inputs, shape, undefined), 1 / count);
  const given = settings.stddev?.(named);
  const variance =
    given === undefined
      ? scaled(accumulate(inputs, shape, mean), 1 / Math.max(count - settings.ddof, 0))
      : mapValues(given, (sd) => sd * sd);
  const inverse = mapValues(variance, (value) => {
    const deviation = Math.sqrt(value + settings.epsilon);
    return deviation === 0 || Number.isNaN(deviation) ? 0 : Math.fround(settings.scale / deviation);
  });
  return { mean: mapValues(mean, Math.fround), inverse };
}

/** Sums of x, or of (x - mean)^2, over the reduced dimensions of all samples. */
function accumulate(
  inputs: readonly SampleTensor[],
  shape: readonly number[],
  mean: Statistics | undefined,
): Statistics {
  const values = new Float64Array(volume(shape));
  for (const input of inputs) {
    const elements = input.elements() as Float64Array;
    const strides = broadcastStrides(shape, input.shape);
    const meanStrides = mean === undefined ? strides : broadcastStrides(mean.shape, input.shape);
    eachElement(input.shape, strides, meanStrides, (at, sum, meanAt) => {
      const x = Number(elements[at]!);
      const difference = mean === undefined ? x : x - mean.values[meanAt]!;
      values[sum] = values[sum]! + (mean === undefined ? x : difference * difference);
    });
  }
  return { shape, values };
}

function apply(
  context: OperatorContext,
  input: SampleTensor,
  { mean, inverse }: { mean: Statistics; inverse: Statistics },
  settings: Settings,
): SampleTensor {
  const meanStrides = broadcastStrides(mean.shape, input.shape);
  const inverseStrides = broadcastStrides(inverse.shape, input.shape);
  const output = context.allocate(settings.type, input.shape, input.layout);
  const elements = input.elements() as Float64Array;
  const store = saturatingStore(settings.type, output.elements());
  eachElement(input.shape, meanStrides, inverseStrides, (at, meanAt, inverseAt) => {
    const centred = Math.fround(Number(elements[at]!) - mean.values[meanAt]!);
    store(at, Math.fround(Math.fround(centred * inverse.values[inverseAt]!) + settings.shift));
  });
  return output;
}

/** Walks a dense tensor with two further offsets. */
function eachElement(
  shape: readonly number[],
  first: readonly number[],
  second: readonly number[],
  visit: (at: number, first: number, second: number) => void,
): void {
  const last = shape.length - 1;
  const length = last < 0 ? 1 : shape[last]!;
  const [firstStep, secondStep] = [first[last] ?? 0, second[last] ?? 0];
  let at = 0;
  forEachRow({ shape, source: { offset: 0, strides: first }, destination: { offset: 0, strides: second } }, (a, b) => {
    for (let i = 0; i < length; i++) visit(at++, a + i * firstStep, b + i * secondStep);
  });
}

/** Strides that repeat a smaller tensor over a larger one, aligned at the last dimension. Throws when it does not fit. */
function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const dense = denseStrides(from);
  const offset = to.length - from.length;
  if (offset < 0)
    throw new OperatorError(`a tensor of shape (${from.join(', ')}) does not fit the input's shape (${to.join(', ')})`);
  return to.map((extent, d) => {
    const own = d < offset ? 1 : from[d - offset]!;
    if (own !== 1 && own !== extent)
      throw new OperatorError(
        `a tensor of shape (${from.join(', ')}) does not fit the input's shape (${to.join(', ')})`,
      );
    return own === 1 ? 0 : dense[d - offset]!;
  });
}

function scaled(statistics: Statistics, factor: number): Statistics {
  return mapValues(statistics, (value) => value * factor);
}

function mapValues(statistics: Statistics, change: (value: number) => number): Statistics {
  return { shape: statistics.shape, values: statistics.values.map(change) };
}
