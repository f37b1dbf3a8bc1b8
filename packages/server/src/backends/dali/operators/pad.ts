import {
  copyStrided,
  denseStrides,
  type NamedTensors,
  type OperatorContext,
  type OperatorDefinition,
  OperatorError,
  type PerSample,
  type SampleTensor,
  sameTypeUnless,
} from '../pipeline/index.ts';
import { axesByName, axesByNumber } from './image-layout.ts';
import { fill } from './window.ts';

/** Extends samples at the end of the given axes: to `shape`, or to the largest sample of the request, then to a multiple of `align`. */
export const pad: OperatorDefinition = {
  names: ['Pad'],
  inputs: [1, 1],
  compile(args) {
    const fillValue = args.perSampleScalar('fill_value', 0);
    const axisNames = args.has('axis_names') ? args.string('axis_names', '') : undefined;
    const axes = args.ints('axes');
    const shape = args.perSample('shape');
    // Samples that go to a shape of their own do not look at each other.
    const hasFixedShape = args.isConstant('shape') && (args.ints('shape') ?? []).every((extent) => extent > 0);
    const align = args.perSample('align');
    const axesOf = (input: SampleTensor): number[] => {
      if (axisNames !== undefined) return axesByName(axisNames, input.layout);
      return axes === undefined || axes.length === 0
        ? input.shape.map((_, d) => d)
        : axesByNumber(axes, input.shape.length);
    };
    const padOne = (
      context: OperatorContext,
      input: SampleTensor,
      largest: readonly number[],
      named: NamedTensors,
    ): SampleTensor =>
      padTo(context, input, targetShape(input, largest, axesOf(input), { shape, align, named }), fillValue(named));
    const inferTypes = sameTypeUnless(undefined);
    if (hasFixedShape) {
      return {
        scope: 'sample',
        inferTypes,
        run: (context, [input], named) => [padOne(context, input!, input!.shape, named)],
      };
    }
    return {
      scope: 'batch',
      inferTypes,
      runBatch: (context, samples, named) => {
        const inputs = samples.map(([input]) => input!);
        const largest = largestShape(inputs);
        return inputs.map((input, i) => [padOne(context, input, largest, named[i]!)]);
      },
    };
  },
};

function largestShape(inputs: readonly SampleTensor[]): number[] {
  const largest: number[] = [];
  for (const { shape } of inputs) {
    shape.forEach((extent, d) => {
      largest[d] = Math.max(largest[d] ?? 0, extent);
    });
  }
  return largest;
}

function targetShape(
  input: SampleTensor,
  largest: readonly number[],
  axes: readonly number[],
  request: {
    readonly shape: PerSample | undefined;
    readonly align: PerSample | undefined;
    readonly named: NamedTensors;
  },
): number[] {
  const target = [...input.shape];
  const shape = perAxis(request.shape?.(request.named) ?? [], axes.length, 'shape');
  const align = perAxis(request.align?.(request.named) ?? [], axes.length, 'align');
  axes.forEach((axis, i) => {
    const requested = shape[i] ?? -1;
    const alignment = align[i] ?? 1;
    if (!(alignment > 0)) throw new OperatorError(`"align" holds ${alignment}; positive values are expected`);
    const extent = Math.max(requested > 0 ? Math.trunc(requested) : largest[axis]!, input.shape[axis]!);
    target[axis] = Math.ceil(extent / alignment) * alignment;
  });
  return target;
}

/** One value serves all axes. */
function perAxis(values: readonly number[], axes: number, what: string): readonly number[] {
  if (values.length === 1) return new Array<number>(axes).fill(values[0]!);
  if (values.length !== 0 && values.length !== axes)
    throw new OperatorError(`"${what}" has ${values.length} elements for ${axes} axes`);
  return values;
}

function padTo(
  context: OperatorContext,
  input: SampleTensor,
  shape: readonly number[],
  fillValue: number,
): SampleTensor {
  if (shape.every((extent, d) => extent === input.shape[d])) return input.alias({});
  const output = context.allocate(input.type, shape, input.layout);
  const elements = output.elements();
  fill(elements, input.type, [fillValue], 1, 1);
  copyStrided(input.elements(), elements, {
    shape: input.shape,
    source: { offset: 0, strides: denseStrides(input.shape) },
    destination: { offset: 0, strides: denseStrides(shape) },
  });
  return output;
}
