import { normalizeRgb } from '@nereid/engine/image';
import type { ElementType } from '../format/index.ts';
import {
  convertElements,
  denseStrides,
  forEachRow,
  type NamedTensors,
  type OpArguments,
  type OperatorContext,
  type OperatorDefinition,
  OperatorError,
  SampleTensor,
  Storage,
  type Store,
  saturatingStore,
  volume,
} from '../pipeline/index.ts';
import { compileCrop } from './crop-attributes.ts';
import { imageLayout } from './image-layout.ts';
import { fill, overlap, type Window } from './window.ts';

const INPUT_TYPES: readonly ElementType[] = ['UINT8', 'INT16', 'UINT16', 'INT32', 'FLOAT', 'FLOAT16'];
const OUTPUT_TYPES: readonly ElementType[] = ['FLOAT', 'FLOAT16', 'UINT8', 'INT8'];

/** (x - mean) * inverse per channel, float32; lists of one serve all channels. */
interface Normalization {
  readonly mean: readonly number[];
  readonly inverse: readonly number[];
}

/**
 * Crop, mirror along the width, normalise, change layout and type in one pass: out = (x - (mean - shift * std / scale)) * (scale / std), all in
 * float32. Images (H, W, C) in any layout -> CHW by default.
 */
export const cropMirrorNormalize: OperatorDefinition = {
  names: ['CropMirrorNormalize'],
  inputs: [1, 1],
  compile(args) {
    const attributes = compileCrop(args);
    const mirror = args.perSampleScalar('mirror', 0);
    const normalization = readNormalization(args);
    const type = args.dataType('dtype') ?? args.dataType('output_dtype') ?? 'FLOAT';
    if (!OUTPUT_TYPES.includes(type))
      throw args.fail(`output type ${type} is not supported (${OUTPUT_TYPES.join(', ')} are)`);
    const outputLayout = args.string('output_layout', 'CHW');
    const padOutput = args.bool('pad_output', false);
    args.ignore('image_type');
    return {
      scope: 'sample',
      inferTypes: () => [type],
      run: (context, [input], named) => {
        if (!INPUT_TYPES.includes(input!.type))
          throw new OperatorError(`input of type ${input!.type} is not supported`);
        const layout = imageLayout(input!);
        const target = layoutFor(layout, outputLayout);
        const window = attributes.window(named, layout, input!.shape);
        const plan: Plan = {
          type,
          layout,
          target,
          window,
          normalization,
          padOutput,
          mirror: isMirrored(mirror, named),
          fillValues: attributes.fillValues,
        };
        checkChannels(normalization, window.shape[layout.indexOf('C')] ?? 1);
        return [runFast(context, input!, plan) ?? runGeneral(context, input!, plan)];
      },
    };
  },
};

interface Plan {
  readonly type: ElementType;
  readonly layout: string;
  readonly target: string;
  readonly window: Window;
  readonly normalization: Normalization | undefined;
  readonly padOutput: boolean;
  readonly mirror: boolean;
  readonly fillValues: readonly number[];
}

function isMirrored(mirror: (named: NamedTensors) => number, named: NamedTensors): boolean {
  return mirror(named) !== 0;
}

/** Undefined when the arguments change nothing. */
function readNormalization(args: OpArguments): Normalization | undefined {
  const mean = args.floats('mean') ?? [0];
  const std = args.floats('std') ?? [1];
  const scale = Math.fround(args.float('scale', 1));
  const shift = Math.fround(args.float('shift', 0));
  const length = Math.max(mean.length, std.length);
  if (mean.length === 0 || std.length === 0) throw args.fail('arguments "mean" and "std" must not be empty');
  if ((mean.length !== 1 && mean.length !== length) || (std.length !== 1 && std.length !== length)) {
    throw args.fail(`"mean" has ${mean.length} elements and "std" ${std.length}; they must match`);
  }
  if (mean.every((m) => m === 0) && std.every((s) => s === 1) && scale === 1 && shift === 0) return undefined;
  const means: number[] = [];
  const inverses: number[] = [];
  for (let c = 0; c < length; c++) {
    const m = Math.fround(mean[mean.length === 1 ? 0 : c]!);
    const s = Math.fround(std[std.length === 1 ? 0 : c]!);
    means.push(Math.fround(m - Math.fround(Math.fround(shift * s) / scale)));
    inverses.push(Math.fround(scale / s));
  }
  return { mean: means, inverse: inverses };
}

function checkChannels(normalization: Normalization | undefined, channels: number): void {
  const length = normalization?.mean.length ?? 1;
  if (length !== 1 && length !== channels)
    throw new OperatorError(`mean and std have ${length} elements but the image has ${channels} channels`);
}

/** The requested output layout for an input layout: frames stay in front when only the image's part is given. */
function layoutFor(layout: string, requested: string): string {
  const target =
    layout.length === requested.length + 1 && layout.startsWith('F') && !requested.includes('F')
      ? `F${requested}`
      : requested;
  if ([...target].sort().join('') !== [...layout].sort().join('')) {
    throw new OperatorError(`output_layout "${requested}" is not a permutation of the input's layout "${layout}"`);
  }
  return target;
}

/** The common case in the SIMD kernel: uint8 RGB inside the picture to floating point. Undefined when it is another. */
function runFast(context: OperatorContext, input: SampleTensor, plan: Plan): SampleTensor | undefined {
  const { window, layout, target } = plan;
  const isRgb = layout === 'HWC' && input.shape[2] === 3 && (target === 'HWC' || target === 'CHW');
  const isFloat = plan.type === 'FLOAT' || plan.type === 'FLOAT16';
  if (!isRgb || input.type !== 'UINT8' || !isFloat || plan.mirror || plan.padOutput) return undefined;
  if (overlap(window, input.shape)?.shape.some((extent, d) => extent !== window.shape[d]) ?? true) return undefined;
  const { mean, inverse } = plan.normalization ?? { mean: [0], inverse: [1] };
  const [top, left] = window.anchor;
  const [height, width] = window.shape;
  const shape = target === 'HWC' ? [height!, width!, 3] : [3, height!, width!];
  const source = context.inKernelMemory(input);
  try {
    const address = normalizeRgb(
      context.kernels,
      { address: source.storage.address, height: input.shape[0]!, width: input.shape[1]!, channels: 3, type: 'UINT8' },
      { top: top!, left: left!, height: height!, width: width! },
      threeOf(mean),
      threeOf(inverse),
      target as 'HWC' | 'CHW',
    );
    const result = new SampleTensor('FLOAT', shape, target, Storage.own(context.kernels, address, volume(shape) * 4));
    return plan.type === 'FLOAT' ? result : toHalf(context, result);
  } finally {
    source.release();
  }
}

/** FLOAT16 of a FLOAT tensor, which is released. */
function toHalf(context: OperatorContext, tensor: SampleTensor): SampleTensor {
  try {
    const half = context.allocate('FLOAT16', tensor.shape, tensor.layout);
    convertElements(tensor.elements(), 'FLOAT', half.elements(), 'FLOAT16');
    return half;
  } finally {
    tensor.release();
  }
}

function threeOf(values: readonly number[]): readonly number[] {
  return values.length === 1 ? [values[0]!, values[0]!, values[0]!] : values;
}

function runGeneral(context: OperatorContext, input: SampleTensor, plan: Plan): SampleTensor {
  const { layout, target, window } = plan;
  const order = [...target].map((name) => layout.indexOf(name));
  const shape = order.map((axis) => window.shape[axis]!);
  const channelAt = target.indexOf('C');
  const channels = shape[channelAt] ?? 1;
  if (plan.padOutput && channelAt >= 0) shape[channelAt] = nextPowerOfTwo(channels);
  const output = context.allocate(plan.type, shape, target);
  const elements = output.elements();
  const strides = denseStrides(shape);
  const inside = overlap(window, input.shape);
  if (inside === undefined || volume(inside.shape) !== volume(shape)) {
    const values =
      plan.fillValues.length > 1
        ? [
            ...plan.fillValues,
            ...new Array<number>(Math.max(0, (shape[channelAt] ?? 1) - plan.fillValues.length)).fill(0),
          ]
        : plan.fillValues;
    fill(elements, plan.type, values, shape[channelAt] ?? 1, strides[channelAt] ?? 1);
  }
  if (inside === undefined) return output;
  const inputStrides = denseStrides(input.shape);
  const widthAxis = layout.indexOf('W');
  // A mirrored window is read from its last column backwards, and lands mirrored too.
  const sourceStart = [...inside.inInput];
  const targetStart = [...inside.inWindow];
  if (plan.mirror) {
    sourceStart[widthAxis] = inside.inInput[widthAxis]! + inside.shape[widthAxis]! - 1;
    targetStart[widthAxis] = window.shape[widthAxis]! - inside.inWindow[widthAxis]! - inside.shape[widthAxis]!;
  }
  const source = input.elements() as Float32Array;
  // The array itself rounds float32, so the usual type needs no call per element.
  const floats = plan.type === 'FLOAT' ? (elements as Float32Array) : undefined;
  normalizeRows(source, floats ?? saturatingStore(plan.type, elements), plan.normalization, {
    shape: order.map((axis) => inside.shape[axis]!),
    sourceOffset: sourceStart.reduce((sum, at, d) => sum + at * inputStrides[d]!, 0),
    sourceStrides: order.map((axis) =>
      plan.mirror && axis === widthAxis ? -inputStrides[axis]! : inputStrides[axis]!,
    ),
    targetOffset: order.reduce((sum, axis, d) => sum + targetStart[axis]! * strides[d]!, 0),
    targetStrides: strides,
    channelAt,
    firstChannel: channelAt < 0 ? 0 : inside.inInput[layout.indexOf('C')]!,
  });
  return output;
}

interface RowPlan {
  readonly shape: readonly number[];
  readonly sourceOffset: number;
  readonly sourceStrides: readonly number[];
  readonly targetOffset: number;
  readonly targetStrides: readonly number[];
  readonly channelAt: number;
  readonly firstChannel: number;
}

function normalizeRows(
  source: Float32Array,
  target: Float32Array | Store,
  normalization: Normalization | undefined,
  plan: RowPlan,
): void {
  const last = plan.shape.length - 1;
  const length = plan.shape[last]!;
  const sourceStep = plan.sourceStrides[last]!;
  const { mean, inverse } = normalization ?? { mean: [0], inverse: [1] };
  const single = mean.length === 1;
  forEachRow(
    {
      shape: plan.shape,
      source: { offset: plan.sourceOffset, strides: plan.sourceStrides },
      destination: { offset: plan.targetOffset, strides: plan.targetStrides },
    },
    (from, to, index) => {
      const rowChannel = plan.channelAt < last ? (index[plan.channelAt] ?? 0) + plan.firstChannel : 0;
      for (let i = 0; i < length; i++) {
        const value = source[from + i * sourceStep]!;
        const channel = single ? 0 : plan.channelAt === last ? i + plan.firstChannel : rowChannel;
        const result =
          normalization === undefined
            ? value
            : Math.fround(Math.fround(Math.fround(value) - mean[channel]!) * inverse[channel]!);
        if (typeof target === 'function') target(to + i, result);
        else target[to + i] = result;
      }
    },
  );
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(value, 1)));
}
