export type { ColorFormat } from './decode/color.ts';
export {
  type DecodedImage,
  type DecodeOptions,
  ImageDecoder,
  type ImageDecoderOptions,
} from './decode/image-decoder.ts';
export { type ImageFormat, type ImageHeader, readImageHeader } from './decode/image-header.ts';
export { ImageError, type ImageErrorCode } from './image-error.ts';
export { type AxisPlan, planAxis, type ResampleFilter } from './kernels/axis-plan.ts';
export { ImageKernels, type ImageKernelsOptions } from './kernels/image-kernels.ts';
export { normalizeRgb } from './kernels/normalize.ts';
export { exchangesAxes, type Orientation } from './kernels/orient.ts';
export { type KernelImage, type PixelType, resample } from './kernels/resample.ts';
export { type JobHandler, type JobResult, serveJobs } from './pool/serve-jobs.ts';
export { type JobOptions, WorkerPool, type WorkerPoolOptions } from './pool/worker-pool.ts';
export { WorkerCrashedError, WorkerJobError } from './pool/worker-slot.ts';
