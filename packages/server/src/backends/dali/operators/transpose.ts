import {
  copyStrided,
  denseStrides,
  type OperatorDefinition,
  OperatorError,
  type SampleTensor,
  sameTypeUnless,
} from '../pipeline/index.ts';

/** Dimension i of the result is dimension perm[i] of the input. */
export const transpose: OperatorDefinition = {
  names: ['Transpose'],
  inputs: [1, 1],
  compile(args) {
    const given = args.ints('perm');
    const transposeLayout = args.bool('transpose_layout', true);
    const outputLayout = args.string('output_layout', '');
    if (given !== undefined && [...given].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw args.fail(`"perm" (${given.join(', ')}) is not a permutation`);
    }
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (context, [input]) => {
        const perm = given ?? input!.shape.map((_, i) => input!.shape.length - 1 - i);
        if (perm.length !== input!.shape.length) {
          throw new OperatorError(`"perm" has ${perm.length} elements but the input ${input!.shape.length} dimensions`);
        }
        const strides = denseStrides(input!.shape);
        const shape = perm.map((axis) => input!.shape[axis]!);
        const output = context.allocate(input!.type, shape, layoutOf(input!, perm, transposeLayout, outputLayout));
        copyStrided(input!.elements(), output.elements(), {
          shape,
          source: { offset: 0, strides: perm.map((axis) => strides[axis]!) },
          destination: { offset: 0, strides: denseStrides(shape) },
        });
        return [output];
      },
    };
  },
};

function layoutOf(
  input: SampleTensor,
  perm: readonly number[],
  transposeLayout: boolean,
  outputLayout: string,
): string {
  if (outputLayout !== '') {
    if (outputLayout.length !== perm.length)
      throw new OperatorError(`output_layout "${outputLayout}" does not have ${perm.length} dimensions`);
    return outputLayout;
  }
  return transposeLayout && input.layout !== '' ? perm.map((axis) => input.layout[axis]).join('') : '';
}
