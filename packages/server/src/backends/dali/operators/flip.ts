import { copyStrided, denseStrides, type OperatorDefinition, sameTypeUnless } from '../pipeline/index.ts';
import { imageLayout } from './image-layout.ts';

/** Mirrors images: `horizontal` (default) along the width, `vertical` along the height. */
export const flip: OperatorDefinition = {
  names: ['Flip'],
  inputs: [1, 1],
  compile(args) {
    const horizontal = args.perSampleScalar('horizontal', 1);
    const vertical = args.perSampleScalar('vertical', 0);
    const depthwise = args.perSampleScalar('depthwise', 0);
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (context, [input], named) => {
        const layout = imageLayout(input!);
        const flipped = new Set<number>();
        if (horizontal(named) !== 0) flipped.add(layout.indexOf('W'));
        if (vertical(named) !== 0) flipped.add(layout.indexOf('H'));
        if (depthwise(named) !== 0 && layout.includes('D')) flipped.add(layout.indexOf('D'));
        if (flipped.size === 0) return [input!.alias({ layout })];
        const strides = denseStrides(input!.shape);
        const output = context.allocate(input!.type, input!.shape, layout);
        copyStrided(input!.elements(), output.elements(), {
          shape: input!.shape,
          source: {
            offset: [...flipped].reduce((sum, axis) => sum + (input!.shape[axis]! - 1) * strides[axis]!, 0),
            strides: strides.map((stride, axis) => (flipped.has(axis) ? -stride : stride)),
          },
          destination: { offset: 0, strides },
        });
        return [output];
      },
    };
  },
};
