import type { ElementType } from '../format/index.ts';
import { type ArithmeticFunctions, arithmeticFunctions } from './arithmetic.ts';
import type { DataNode } from './node.ts';
import type {
  CommonOptions,
  ConstantOptions,
  CropMirrorNormalizeOptions,
  CropOperatorOptions,
  CropOptions,
  ExpandDimsOptions,
  ExternalSourceOptions,
  FlipOptions,
  ImageDecoderOptions,
  JoinOptions,
  NormalizeOptions,
  PadOptions,
  PeekImageShapeOptions,
  ReinterpretOptions,
  ReshapeOptions,
  ResizeOptions,
  SliceOptions,
  SqueezeOptions,
  TransposeOptions,
} from './options.ts';
import type { OperatorOptions, PipelineBuilder } from './pipeline-builder.ts';

/** DALI's operators under the names of `nvidia.dali.fn`, in camelCase. Samples are (H, W, C) unless a layout says otherwise. */
export interface OperatorFunctions extends ArithmeticFunctions {
  externalSource(options: ExternalSourceOptions): DataNode;
  readonly decoders: {
    /** Encoded file, UINT8 (N) -> (H, W, C). */
    image(input: DataNode, options?: ImageDecoderOptions): DataNode;
    imageCrop(input: DataNode, options?: ImageDecoderOptions & CropOptions): DataNode;
    imageSlice(input: DataNode, options?: ImageDecoderOptions & SliceOptions): DataNode;
  };
  /** Encoded file -> [height, width, channels], INT64. */
  peekImageShape(input: DataNode, options?: PeekImageShapeOptions): DataNode;
  resize(input: DataNode, options: ResizeOptions): DataNode;
  /** `resize` with `saveAttrs`: the second output is the original shape, INT32 (2). */
  resizeWithAttributes(input: DataNode, options: ResizeOptions): [DataNode, DataNode];
  cropMirrorNormalize(input: DataNode, options?: CropMirrorNormalizeOptions): DataNode;
  crop(input: DataNode, options: CropOperatorOptions): DataNode;
  flip(input: DataNode, options?: FlipOptions): DataNode;
  /** With `anchor` and `shape` tensors, or with the options' start, end and shape. */
  slice(input: DataNode, options: SliceOptions, anchor?: DataNode, shape?: DataNode): DataNode;
  cast(input: DataNode, options: { readonly dtype: ElementType } & CommonOptions): DataNode;
  transpose(input: DataNode, options: TransposeOptions): DataNode;
  pad(input: DataNode, options?: PadOptions): DataNode;
  reshape(input: DataNode, options: ReshapeOptions): DataNode;
  reinterpret(input: DataNode, options: ReinterpretOptions): DataNode;
  normalize(input: DataNode, options?: NormalizeOptions): DataNode;
  constant(values: number | readonly number[], options?: ConstantOptions): DataNode;
  stack(inputs: readonly DataNode[], options?: JoinOptions): DataNode;
  cat(inputs: readonly DataNode[], options?: JoinOptions): DataNode;
  expandDims(input: DataNode, options: ExpandDimsOptions): DataNode;
  squeeze(input: DataNode, options: SqueezeOptions): DataNode;
  /** The sample's shape, INT64 by default. */
  shapes(input: DataNode, options?: { readonly dtype?: ElementType } & CommonOptions): DataNode;
  /** Any operator by its schema name; option names are DALI's argument names in camelCase. */
  operator(schemaName: string, inputs: readonly DataNode[], options?: OperatorOptions): DataNode;
}

export function operatorFunctions(builder: PipelineBuilder): OperatorFunctions {
  const one = (schemaName: string, inputs: readonly DataNode[], options?: OperatorOptions): DataNode =>
    builder.add(schemaName, inputs, options)[0]!;
  const unary =
    <O extends OperatorOptions>(schemaName: string) =>
    (input: DataNode, options?: O): DataNode =>
      one(schemaName, [input], options);
  return {
    externalSource: (options) => one('ExternalSource', [], options),
    decoders: {
      image: unary('decoders__Image'),
      imageCrop: unary('decoders__ImageCrop'),
      imageSlice: unary('decoders__ImageSlice'),
    },
    peekImageShape: unary('PeekImageShape'),
    resize: unary('Resize'),
    resizeWithAttributes: (input, options) => {
      const [image, attributes] = builder.add('Resize', [input], { ...options, saveAttrs: true }, 2);
      return [image!, attributes!];
    },
    cropMirrorNormalize: unary('CropMirrorNormalize'),
    crop: unary('Crop'),
    flip: unary('Flip'),
    slice: (input, options, anchor, shape) =>
      one(
        'Slice',
        [input, anchor, shape].filter((node) => node !== undefined),
        options,
      ),
    cast: unary('Cast'),
    transpose: unary('Transpose'),
    pad: unary('Pad'),
    reshape: unary('Reshape'),
    reinterpret: unary('Reinterpret'),
    normalize: unary('Normalize'),
    constant: (values, options) => one('Constant', [], constantOptions(values, options)),
    stack: (inputs, options) => one('Stack', inputs, options),
    cat: (inputs, options) => one('Cat', inputs, options),
    expandDims: unary('ExpandDims'),
    squeeze: unary('Squeeze'),
    shapes: unary('Shapes'),
    operator: one,
    ...arithmeticFunctions(builder),
  };
}

function constantOptions(values: number | readonly number[], options: ConstantOptions = {}): OperatorOptions {
  const list = typeof values === 'number' ? [values] : values;
  const isFloat = options.dtype?.startsWith('FLOAT') ?? !list.every(Number.isInteger);
  return {
    shape: typeof values === 'number' ? [] : [list.length],
    dtype: isFloat ? 'FLOAT' : 'INT32',
    ...options,
    ...(isFloat ? { fdata: list } : { idata: list }),
  };
}
