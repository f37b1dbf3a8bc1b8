import {
  copyStrided,
  denseStrides,
  type NamedTensors,
  type OpArguments,
  type OperatorDefinition,
  OperatorError,
  sameTypeUnless,
} from '../pipeline/index.ts';

/** Python's x[1, 2:5, ::-1]: per dimension an index (which removes it) or a range. */
export const tensorSubscript: OperatorDefinition = {
  names: ['TensorSubscript'],
  inputs: [1, 1],
  compile(args) {
    const count = subscriptCount(args);
    const subscripts = Array.from({ length: count }, (_, d) => ({
      at: args.perSample(`at_${d}`),
      low: args.perSample(`lo_${d}`),
      high: args.perSample(`hi_${d}`),
      step: args.perSample(`step_${d}`),
    }));
    args.ignore('num_subscripts');
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (context, [input], named) => {
        if (count > input!.shape.length)
          throw new OperatorError(`${count} subscripts are given for ${input!.shape.length} dimensions`);
        const strides = denseStrides(input!.shape);
        const kept: { extent: number; stride: number; name: string }[] = [];
        let offset = 0;
        input!.shape.forEach((extent, d) => {
          const { at, low, high, step } = subscripts[d] ?? {};
          if (at !== undefined) {
            offset += index(scalar(at, named), extent, d) * strides[d]!;
            return;
          }
          const range = rangeOf(
            low && scalar(low, named),
            high && scalar(high, named),
            step === undefined ? 1 : scalar(step, named),
            extent,
          );
          offset += range.start * strides[d]!;
          kept.push({ extent: range.count, stride: strides[d]! * range.step, name: input!.layout[d] ?? '' });
        });
        const shape = kept.map((dimension) => dimension.extent);
        const output = context.allocate(input!.type, shape, kept.map((dimension) => dimension.name).join(''));
        copyStrided(input!.elements(), output.elements(), {
          shape,
          source: { offset, strides: kept.map((dimension) => dimension.stride) },
          destination: { offset: 0, strides: denseStrides(shape) },
        });
        return [output];
      },
    };
  },
};

/** Checks that a tensor has as many dimensions as a subscript of full ranges. */
export const subscriptDimCheck: OperatorDefinition = {
  names: ['SubscriptDimCheck'],
  inputs: [1, 1],
  compile(args) {
    const count = args.int('num_subscripts', 0);
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (_context, [input]) => {
        if (count > input!.shape.length)
          throw new OperatorError(`${count} subscripts are given for ${input!.shape.length} dimensions`);
        return [input!.alias({})];
      },
    };
  },
};

const MAX_SUBSCRIPTS = 32;

function subscriptCount(args: OpArguments): number {
  let count = args.int('num_subscripts', 0);
  for (let d = 0; d < MAX_SUBSCRIPTS; d++) {
    if (['at', 'lo', 'hi', 'step'].some((kind) => args.has(`${kind}_${d}`))) count = Math.max(count, d + 1);
  }
  if (count > MAX_SUBSCRIPTS) throw args.fail(`${count} subscripts are more than ${MAX_SUBSCRIPTS}`);
  return count;
}

function scalar(read: (named: NamedTensors) => readonly number[], named: NamedTensors): number {
  const value = read(named)[0];
  if (value === undefined) throw new OperatorError('a subscript is an empty tensor');
  return Math.trunc(value);
}

function index(at: number, extent: number, dimension: number): number {
  const resolved = at < 0 ? at + extent : at;
  if (resolved < 0 || resolved >= extent)
    throw new OperatorError(`index ${at} is out of range for dimension ${dimension} of extent ${extent}`);
  return resolved;
}

/** Python's slice rules. */
function rangeOf(
  low: number | undefined,
  high: number | undefined,
  step: number,
  extent: number,
): { start: number; count: number; step: number } {
  if (step === 0) throw new OperatorError('the step of a subscript is 0');
  const [first, last] = step > 0 ? [0, extent] : [-1, extent - 1];
  const resolve = (value: number): number => Math.min(Math.max(value < 0 ? value + extent : value, first), last);
  const start = low === undefined ? (step > 0 ? 0 : extent - 1) : resolve(low);
  const end = high === undefined ? (step > 0 ? extent : -1) : resolve(high);
  return { start: Math.max(start, 0), count: Math.max(0, Math.ceil((end - start) / step)), step };
}
