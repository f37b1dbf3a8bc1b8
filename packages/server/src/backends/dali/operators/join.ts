import {
  copyStrided,
  denseStrides,
  type OperatorContext,
  type OperatorDefinition,
  OperatorError,
  type SampleTensor,
  sameTypeUnless,
} from '../pipeline/index.ts';
import { axesByNumber } from './image-layout.ts';

/** Joins tensors along a new dimension. */
export const stack: OperatorDefinition = {
  names: ['Stack'],
  inputs: [1, 999],
  compile(args) {
    const axis = args.int('axis', 0);
    const name = args.string('axis_name', '');
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (context, inputs) => {
        const [at] = axesByNumber([axis], inputs[0]!.shape.length + 1);
        const { layout } = inputs[0]!;
        const expanded = inputs.map((input) => ({ input, shape: input.shape.toSpliced(at!, 0, 1) }));
        const outputLayout =
          name === '' || layout.length !== inputs[0]!.shape.length ? '' : layout.slice(0, at) + name + layout.slice(at);
        return [join(context, expanded, at!, outputLayout)];
      },
    };
  },
};

/** Joins tensors along a dimension they have. */
export const cat: OperatorDefinition = {
  names: ['Cat'],
  inputs: [1, 999],
  compile(args) {
    const axisName = args.has('axis_name') ? args.string('axis_name', '') : undefined;
    const axis = args.int('axis', 0);
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (context, inputs) => {
        const { layout, shape } = inputs[0]!;
        const [at] = axisName === undefined ? axesByNumber([axis], shape.length) : [namedAxis(axisName, layout)];
        return [
          join(
            context,
            inputs.map((input) => ({ input, shape: input.shape })),
            at!,
            layout,
          ),
        ];
      },
    };
  },
};

function namedAxis(name: string, layout: string): number {
  const axis = layout.indexOf(name);
  if (axis < 0 || name.length !== 1) throw new OperatorError(`axis "${name}" is not in the layout "${layout}"`);
  return axis;
}

function join(
  context: OperatorContext,
  parts: readonly { input: SampleTensor; shape: readonly number[] }[],
  axis: number,
  layout: string,
): SampleTensor {
  const [first] = parts;
  for (const { input, shape } of parts) {
    const fits =
      shape.length === first!.shape.length && shape.every((extent, d) => d === axis || extent === first!.shape[d]);
    if (!fits || input.type !== first!.input.type) {
      throw new OperatorError(
        `cannot join ${first!.input.type} (${first!.input.shape.join(', ')}) and ${input.type} (${input.shape.join(', ')}) along dimension ${axis}`,
      );
    }
  }
  const shape = first!.shape.with(
    axis,
    parts.reduce((sum, part) => sum + part.shape[axis]!, 0),
  );
  const output = context.allocate(first!.input.type, shape, layout);
  const strides = denseStrides(shape);
  let at = 0;
  for (const part of parts) {
    copyStrided(part.input.elements(), output.elements(), {
      shape: part.shape,
      source: { offset: 0, strides: denseStrides(part.shape) },
      destination: { offset: at * strides[axis]!, strides },
    });
    at += part.shape[axis]!;
  }
  return output;
}
