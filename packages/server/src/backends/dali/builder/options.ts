import type { ElementType } from '../format/index.ts';
import type { ImageType, Interpolation } from './arguments.ts';
import type { DataNode } from './node.ts';

/** Where DALI would run an operator. Files keep it; this server runs everything on the CPU. */
export type Device = 'cpu' | 'gpu' | 'mixed';
/** An argument that another operator may compute per sample. */
type Tensor<T> = T | DataNode;
type OutOfBoundsPolicy = 'error' | 'pad' | 'trim_to_shape';

export interface CommonOptions {
  readonly device?: Device;
  /** The operator's instance name; by default `__<Class>_<counter>`. */
  readonly name?: string;
}

export interface ExternalSourceOptions {
  /** Name of the model's input. */
  readonly name: string;
  readonly device?: Device;
  readonly dtype?: ElementType;
  /** Dimensions of a sample, without the batch. */
  readonly ndim?: number;
  readonly layout?: string;
}

export interface ImageDecoderOptions extends CommonOptions {
  readonly outputType?: ImageType;
  readonly dtype?: ElementType;
  readonly adjustOrientation?: boolean;
  readonly useFastIdct?: boolean;
}

export interface CropOptions {
  /** [height, width] in pixels. */
  readonly crop?: Tensor<readonly number[]>;
  readonly cropH?: Tensor<number>;
  readonly cropW?: Tensor<number>;
  /** 0: left or top, 1: right or bottom; 0.5 by default. */
  readonly cropPosX?: Tensor<number>;
  readonly cropPosY?: Tensor<number>;
  readonly outOfBoundsPolicy?: OutOfBoundsPolicy;
  readonly fillValues?: readonly number[];
}

export interface ResizeOptions extends CommonOptions {
  readonly resizeX?: Tensor<number>;
  readonly resizeY?: Tensor<number>;
  /** [height, width] in pixels. */
  readonly size?: Tensor<number | readonly number[]>;
  readonly resizeShorter?: Tensor<number>;
  readonly resizeLonger?: Tensor<number>;
  readonly mode?: 'default' | 'stretch' | 'not_larger' | 'not_smaller';
  readonly maxSize?: number | readonly number[];
  readonly interpType?: Interpolation;
  readonly minFilter?: Interpolation;
  readonly magFilter?: Interpolation;
  readonly antialias?: boolean;
  readonly dtype?: ElementType;
  readonly subpixelScale?: boolean;
  readonly roiStart?: Tensor<readonly number[]>;
  readonly roiEnd?: Tensor<readonly number[]>;
  readonly roiRelative?: boolean;
}

export interface CropMirrorNormalizeOptions extends CommonOptions, CropOptions {
  readonly dtype?: ElementType;
  readonly outputLayout?: 'CHW' | 'HWC';
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
  readonly scale?: number;
  readonly shift?: number;
  readonly mirror?: Tensor<number>;
  readonly padOutput?: boolean;
}

export interface CropOperatorOptions extends CommonOptions, CropOptions {
  readonly dtype?: ElementType;
}

export interface SliceOptions extends CommonOptions {
  readonly start?: Tensor<readonly number[]>;
  readonly end?: Tensor<readonly number[]>;
  readonly shape?: Tensor<readonly number[]>;
  readonly relStart?: Tensor<readonly number[]>;
  readonly relEnd?: Tensor<readonly number[]>;
  readonly relShape?: Tensor<readonly number[]>;
  readonly axes?: readonly number[];
  readonly axisNames?: string;
  readonly normalizedAnchor?: boolean;
  readonly normalizedShape?: boolean;
  readonly outOfBoundsPolicy?: OutOfBoundsPolicy;
  readonly fillValues?: readonly number[];
  readonly dtype?: ElementType;
}

export interface PadOptions extends CommonOptions {
  readonly fillValue?: number;
  readonly axes?: readonly number[];
  readonly axisNames?: string;
  readonly align?: readonly number[];
  readonly shape?: readonly number[];
}

export interface ReshapeOptions extends CommonOptions {
  readonly shape?: Tensor<readonly number[]>;
  readonly relShape?: Tensor<readonly number[]>;
  readonly layout?: string;
  readonly srcDims?: readonly number[];
}

export interface ReinterpretOptions extends ReshapeOptions {
  readonly dtype?: ElementType;
}

export interface TransposeOptions extends CommonOptions {
  readonly perm: readonly number[];
  readonly transposeLayout?: boolean;
  readonly outputLayout?: string;
}

export interface NormalizeOptions extends CommonOptions {
  readonly mean?: Tensor<number>;
  readonly stddev?: Tensor<number>;
  readonly axes?: readonly number[];
  readonly axisNames?: string;
  readonly batch?: boolean;
  readonly shift?: number;
  readonly scale?: number;
  readonly epsilon?: number;
  readonly ddof?: number;
  readonly dtype?: ElementType;
}

export interface PeekImageShapeOptions extends CommonOptions {
  readonly dtype?: ElementType;
  readonly adjustOrientation?: boolean;
  readonly imageType?: ImageType;
}

export interface FlipOptions extends CommonOptions {
  readonly horizontal?: Tensor<number>;
  readonly vertical?: Tensor<number>;
}

export interface JoinOptions extends CommonOptions {
  readonly axis?: number;
}

export interface ExpandDimsOptions extends CommonOptions {
  readonly axes: readonly number[];
  readonly newAxisNames?: string;
}

export interface SqueezeOptions extends CommonOptions {
  readonly axes?: readonly number[];
  readonly axisNames?: string;
}

export interface ConstantOptions extends CommonOptions {
  readonly shape?: readonly number[];
  readonly dtype?: ElementType;
  readonly layout?: string;
}
