import { planAxis, type ResampleFilter, resample } from '@nereid/engine/image';
import type { ElementType } from '../format/index.ts';
import {
  convertElements,
  type NamedTensors,
  type OpArguments,
  type OperatorContext,
  type OperatorDefinition,
  OperatorError,
  SampleTensor,
  Storage,
  volume,
} from '../pipeline/index.ts';
import { numbersTensor } from './decode-image.ts';
import { imageLayout } from './image-layout.ts';
import { compileResizeSize, type ResizeAxis } from './resize-size.ts';

const INTERPOLATIONS: Readonly<Record<number, ResampleFilter>> = {
  0: 'NN',
  1: 'LINEAR',
  2: 'CUBIC',
  3: 'LANCZOS3',
  4: 'TRIANGULAR',
  5: 'GAUSSIAN',
};
/** Bound on a result, so that a client's size argument cannot ask for an endless picture. */
const MAX_OUTPUT_ELEMENTS = 2 ** 28;

interface Filters {
  readonly min: (named: NamedTensors) => ResampleFilter;
  readonly mag: (named: NamedTensors) => ResampleFilter;
  readonly antialias: boolean;
}

/** Resizes the height and width of images in any layout with adjacent H and W; with `save_attrs` also gives the original shape, INT32. */
export const resize: OperatorDefinition = {
  names: ['Resize'],
  inputs: [1, 1],
  outputs: [1, 2],
  compile(args) {
    const size = compileResizeSize(args);
    const filters = readFilters(args);
    const type = args.dataType('dtype');
    const saveAttributes = args.bool('save_attrs', false);
    args.ignore('image_type');
    return {
      scope: 'sample',
      inferTypes: ([input]) => (saveAttributes ? [type ?? input, 'INT32'] : [type ?? input]),
      run: (context, [input], named) => {
        const layout = imageLayout(input!);
        const output = resizeImage(
          context,
          input!,
          layout,
          size(named, layout, input!.shape),
          filters,
          type ?? input!.type,
          named,
        );
        return saveAttributes ? [output, numbersTensor(context, 'INT32', input!.shape)] : [output];
      },
    };
  },
};

function readFilters(args: OpArguments): Filters {
  const interpolation = args.perSample('interp_type');
  const min = args.perSample('min_filter') ?? interpolation;
  const mag = args.perSample('mag_filter') ?? interpolation;
  const antialias = args.bool('antialias', true);
  const pick = (read: ((named: NamedTensors) => readonly number[]) | undefined) => (named: NamedTensors) => {
    const number = read?.(named)[0] ?? 1;
    const filter = INTERPOLATIONS[number];
    if (filter === undefined) throw new OperatorError(`interpolation type ${number} does not exist`);
    return filter;
  };
  return { min: pick(min), mag: pick(mag), antialias };
}

function resizeImage(
  context: OperatorContext,
  input: SampleTensor,
  layout: string,
  axes: readonly [ResizeAxis, ResizeAxis],
  filters: Filters,
  type: ElementType,
  named: NamedTensors,
): SampleTensor {
  if (type !== input.type && type !== 'FLOAT')
    throw new OperatorError(`the output type must be the input's (${input.type}) or FLOAT, not ${type}`);
  const rowAxis = layout.indexOf('H');
  if (layout.indexOf('W') !== rowAxis + 1)
    throw new OperatorError(`height and width must be adjacent, not as in layout "${layout}"`);
  const [sourceHeight, sourceWidth] = [input.shape[rowAxis]!, input.shape[rowAxis + 1]!];
  const channels = volume(input.shape.slice(rowAxis + 2));
  const planes = volume(input.shape.slice(0, rowAxis));
  const shape = [
    ...input.shape.slice(0, rowAxis),
    axes[0].outputSize,
    axes[1].outputSize,
    ...input.shape.slice(rowAxis + 2),
  ];
  if (!(volume(shape) <= MAX_OUTPUT_ELEMENTS))
    throw new OperatorError(`a resized image of shape (${shape.join(', ')}) exceeds ${MAX_OUTPUT_ELEMENTS} elements`);
  if (volume(shape) === 0) return context.allocate(type, shape, layout);
  const common = { minFilter: filters.min(named), magFilter: filters.mag(named), antialias: filters.antialias };
  const rows = planAxis({ ...common, ...axes[0], sourceSize: sourceHeight });
  const columns = planAxis({ ...common, ...axes[1], sourceSize: sourceWidth });
  const pixelType = input.type === 'UINT8' ? 'UINT8' : 'FLOAT';
  const outputPixels = type === 'UINT8' ? 'UINT8' : 'FLOAT';
  const source =
    pixelType === 'UINT8' || input.type === 'FLOAT' ? context.inKernelMemory(input) : toFloat(context, input);
  try {
    const planeBytes = sourceHeight * sourceWidth * channels * (pixelType === 'UINT8' ? 1 : 4);
    const results: SampleTensor[] = [];
    for (let plane = 0; plane < planes; plane++) {
      const image = {
        address: source.storage.address + plane * planeBytes,
        height: sourceHeight,
        width: sourceWidth,
        channels,
        type: pixelType,
      } as const;
      const { address } = resample(context.kernels, image, rows, columns, outputPixels);
      const byteLength = axes[0].outputSize * axes[1].outputSize * channels * (outputPixels === 'UINT8' ? 1 : 4);
      results.push(new SampleTensor(outputPixels, shape, layout, Storage.own(context.kernels, address, byteLength)));
    }
    return finish(context, results, shape, layout, type);
  } finally {
    source.release();
  }
}

/** Joins the planes and converts what was computed in float32 back to an integer type. */
function finish(
  context: OperatorContext,
  planes: readonly SampleTensor[],
  shape: readonly number[],
  layout: string,
  type: ElementType,
): SampleTensor {
  const [first] = planes;
  if (planes.length === 1 && first !== undefined && first.type === type) return first;
  try {
    const output = context.allocate(type, shape, layout);
    const elements = output.elements();
    const planeElements = elements.length / planes.length;
    planes.forEach((plane, i) => {
      const from =
        plane.type === 'UINT8'
          ? plane.storage.bytes()
          : new Float32Array(plane.storage.bytes().buffer, plane.storage.address, planeElements);
      convertElements(from, plane.type, elements.subarray(i * planeElements, (i + 1) * planeElements), type);
    });
    return output;
  } finally {
    for (const plane of planes) plane.release();
  }
}

function toFloat(context: OperatorContext, input: SampleTensor): SampleTensor {
  const output = context.allocate('FLOAT', input.shape, input.layout);
  convertElements(input.elements(), input.type, output.elements(), 'FLOAT');
  return output;
}
