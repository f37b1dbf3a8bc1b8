import { type ColorFormat, type DecodedImage, exchangesAxes } from '@nereid/engine/image';
import type { ElementType } from '../format/index.ts';
import {
  type NamedTensors,
  type OpArguments,
  type OperatorContext,
  type OperatorDefinition,
  OperatorError,
  SampleTensor,
  Storage,
  saturatingStore,
} from '../pipeline/index.ts';
import { cutWindow } from './crop.ts';
import { compileCrop } from './crop-attributes.ts';
import { compileSlice } from './slice.ts';
import type { Window } from './window.ts';

const COLOR_FORMATS: Readonly<Record<number, ColorFormat>> = {
  0: 'RGB',
  1: 'BGR',
  2: 'GRAY',
  3: 'YCbCr',
  4: 'ANY_DATA',
};
/** What full intensity is in each type; floating point runs from 0 to 1. */
const FULL_RANGE: Partial<Record<ElementType, number>> = {
  UINT8: 255,
  INT8: 127,
  UINT16: 65535,
  INT16: 32767,
  UINT32: 4294967295,
  INT32: 2147483647,
  FLOAT: 1,
  FLOAT16: 1,
  FLOAT64: 1,
};

/** Encoded file, UINT8 (N) -> (H, W, C), layout HWC. Bytes behind the picture are ignored. */
export const decodeImage: OperatorDefinition = {
  names: ['decoders__Image', 'ImageDecoder', 'experimental__decoders__Image', 'legacy__decoders__Image'],
  inputs: [1, 1],
  compile(args) {
    const decode = compileDecoder(args);
    return {
      scope: 'sample',
      inferTypes: () => [decode.type],
      run: (context, [input]) => map(decode.run(context, input!), (image) => [image]),
    };
  },
};

/** Decoding followed by a crop (CropAttr arguments), in upright coordinates. */
export const decodeImageCrop: OperatorDefinition = {
  names: [
    'decoders__ImageCrop',
    'ImageDecoderCrop',
    'experimental__decoders__ImageCrop',
    'legacy__decoders__ImageCrop',
  ],
  inputs: [1, 1],
  compile(args) {
    const attributes = compileCrop(args);
    const decode = compileDecoder(args);
    return {
      scope: 'sample',
      inferTypes: () => [decode.type],
      run: (context, [input], named) =>
        cutDecoded(
          context,
          decode.run(context, input!),
          (image) => attributes.window(named, 'HWC', image.shape),
          attributes.fillValues,
        ),
    };
  },
};

/** Decoding followed by a slice: inputs (file), (file, anchor, shape), or slice arguments. */
export const decodeImageSlice: OperatorDefinition = {
  names: [
    'decoders__ImageSlice',
    'ImageDecoderSlice',
    'experimental__decoders__ImageSlice',
    'legacy__decoders__ImageSlice',
  ],
  inputs: [1, 3],
  compile(args) {
    const slice = compileSlice(args);
    const decode = compileDecoder(args);
    return {
      scope: 'sample',
      inferTypes: () => [decode.type],
      run: (context, inputs, named: NamedTensors) =>
        cutDecoded(
          context,
          decode.run(context, inputs[0]!),
          (image) => slice.window(image, inputs.slice(1), named),
          slice.fillValues,
        ),
    };
  },
};

interface Decoder {
  readonly type: ElementType;
  run(context: OperatorContext, input: SampleTensor): SampleTensor | Promise<SampleTensor>;
}

function compileDecoder(args: OpArguments): Decoder {
  const format = args.enumeration('output_type', COLOR_FORMATS, 'RGB');
  const type = args.dataType('dtype') ?? 'UINT8';
  const adjustOrientation = args.bool('adjust_orientation', true);
  const fastDct = args.bool('use_fast_idct', false);
  const range = FULL_RANGE[type];
  if (range === undefined) throw args.fail(`decoding to ${type} is not supported`);
  return {
    type,
    run(context, input) {
      const decoded = context.decoder.decode(encodedBytes(input), {
        format,
        adjustOrientation,
        fastDct,
        keep16Bit: type !== 'UINT8',
      });
      return map(decoded, (image) => toTensor(context, image, type, range));
    },
  };
}

export function encodedBytes(input: SampleTensor): Uint8Array {
  if (input.type !== 'UINT8' || input.shape.length !== 1) {
    throw new OperatorError(
      `an encoded image is a one-dimensional UINT8 tensor, not ${input.type} of shape (${input.shape.join(', ')})`,
    );
  }
  return input.bytes();
}

/** The picture as a tensor of the wanted type, full range to full range. Takes the picture over. */
function toTensor(context: OperatorContext, image: DecodedImage, type: ElementType, range: number): SampleTensor {
  const shape = [image.height, image.width, image.channels];
  const byteLength = image.height * image.width * image.channels * image.bytesPerSample;
  const sampleType = image.bytesPerSample === 2 ? 'UINT16' : 'UINT8';
  const stored = new SampleTensor(sampleType, shape, 'HWC', Storage.own(context.kernels, image.address, byteLength));
  if (sampleType === type) return stored;
  try {
    const output = context.allocate(type, shape, 'HWC');
    const from = stored.elements() as Uint8Array;
    const store = saturatingStore(type, output.elements());
    const factor = range / (image.bytesPerSample === 2 ? 65535 : 255);
    for (let i = 0; i < from.length; i++) store(i, from[i]! * factor);
    return output;
  } finally {
    stored.release();
  }
}

function cutDecoded(
  context: OperatorContext,
  decoded: SampleTensor | Promise<SampleTensor>,
  windowOf: (image: SampleTensor) => Window,
  fillValues: readonly number[],
): SampleTensor[] | Promise<SampleTensor[]> {
  return map(decoded, (image) => {
    try {
      return [cutWindow(context, image, windowOf(image), fillValues, image.type, 'HWC')];
    } finally {
      image.release();
    }
  });
}

/** Goes on at once where the value is there, so that the common decoder never waits for a turn of the event loop. */
function map<T, R>(value: T | Promise<T>, then: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(then) : then(value);
}

/** [height, width, channels] from the file's header, after orientation. */
export const peekImageShape: OperatorDefinition = {
  names: ['PeekImageShape', 'experimental__PeekImageShape', 'legacy__PeekImageShape'],
  inputs: [1, 1],
  compile(args) {
    const type = args.dataType('dtype') ?? args.dataType('type') ?? 'INT64';
    const adjustOrientation = args.bool('adjust_orientation', true);
    const format = args.enumeration('image_type', COLOR_FORMATS, 'RGB');
    return {
      scope: 'sample',
      inferTypes: () => [type],
      run: (context, [input]) => {
        const header = context.decoder.peek(encodedBytes(input!));
        const swap = adjustOrientation && exchangesAxes(header.orientation);
        const channels = format === 'GRAY' ? 1 : format === 'ANY_DATA' ? header.channels : 3;
        const values = swap ? [header.width, header.height, channels] : [header.height, header.width, channels];
        return [numbersTensor(context, type, values)];
      },
    };
  },
};

/** A one-dimensional tensor of a few numbers. */
export function numbersTensor(context: OperatorContext, type: ElementType, values: readonly number[]): SampleTensor {
  const tensor = context.allocate(type, [values.length], '');
  const store = saturatingStore(type, tensor.elements());
  values.forEach((value, i) => {
    store(i, value);
  });
  return tensor;
}
