import { type ElementType, elementByteSize } from '../format/index.ts';
import {
  convertElements,
  copyStrided,
  denseStrides,
  type ElementArray,
  type OperatorContext,
  type OperatorDefinition,
  type SampleTensor,
  sameTypeUnless,
  viewElements,
} from '../pipeline/index.ts';
import { compileCrop } from './crop-attributes.ts';
import { imageLayout } from './image-layout.ts';
import { fill, overlap, type Window } from './window.ts';

/** Cuts a window around a position, with an optional change of type. (H, W, C) or any image layout. */
export const crop: OperatorDefinition = {
  names: ['Crop'],
  inputs: [1, 1],
  compile(args) {
    const attributes = compileCrop(args);
    const type = args.dataType('dtype') ?? args.dataType('output_dtype');
    args.ignore('image_type');
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(type),
      run: (context, [input], named) => {
        const layout = imageLayout(input!);
        const window = attributes.window(named, layout, input!.shape);
        return [cutWindow(context, input!, window, attributes.fillValues, type ?? input!.type, layout)];
      },
    };
  },
};

/** The window's contents as a tensor of `type`; what lies outside of the input is filled, per channel when several values are given. */
export function cutWindow(
  context: OperatorContext,
  input: SampleTensor,
  window: Window,
  fillValues: readonly number[],
  type: ElementType,
  layout: string,
): SampleTensor {
  const output = context.allocate(type, window.shape, input.layout === '' ? layout : input.layout);
  try {
    const inside = overlap(window, input.shape);
    const strides = denseStrides(window.shape);
    const elements = output.elements();
    if (inside === undefined || inside.shape.some((extent, d) => extent !== window.shape[d])) {
      const axis = channelAxis(layout, window.shape);
      fill(elements, type, fillValues, window.shape[axis] ?? 1, strides[axis] ?? 1);
    }
    if (inside === undefined) return output;
    const inputStrides = denseStrides(input.shape);
    const source = type === input.type ? input.elements() : converted(input, type);
    copyStrided(source, elements, {
      shape: inside.shape,
      source: { offset: dot(inside.inInput, inputStrides), strides: inputStrides },
      destination: { offset: dot(inside.inWindow, strides), strides },
    });
    return output;
  } catch (error) {
    output.release();
    throw error;
  }
}

function converted(input: SampleTensor, type: ElementType): ElementArray {
  const elements = viewElements(type, new Uint8Array(input.elementCount * elementByteSize(type)));
  convertElements(input.elements(), input.type, elements, type);
  return elements;
}

function channelAxis(layout: string, shape: readonly number[]): number {
  const axis = layout.indexOf('C');
  return axis < 0 ? shape.length - 1 : axis;
}

function dot(index: readonly number[], strides: readonly number[]): number {
  return index.reduce((sum, at, d) => sum + at * strides[d]!, 0);
}
