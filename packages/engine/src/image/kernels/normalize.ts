import type { ImageKernels } from './image-kernels.ts';
import type { KernelImage } from './resample.ts';

export interface NormalizeWindow {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * (x - mean[c]) * inverse[c] in float32 over a window (inside the picture) of uint8 pixels of three channels, into (H, W, 3) or (3, H, W).
 * Returns the address of height * width * 3 floats, which the caller frees.
 */
export function normalizeRgb(
  kernels: ImageKernels,
  source: KernelImage,
  window: NormalizeWindow,
  mean: readonly number[],
  inverse: readonly number[],
  layout: 'HWC' | 'CHW',
): number {
  const constants = kernels.allocate(24);
  try {
    const address = kernels.allocate(window.height * window.width * 12);
    const table = Float32Array.of(...mean, ...inverse);
    kernels.bytes(constants, 24).set(new Uint8Array(table.buffer));
    const stride = source.width * 3;
    const start = source.address + window.top * stride + window.left * 3;
    const kernel = layout === 'HWC' ? kernels.exports.normalizeHwc3 : kernels.exports.normalizeChw3;
    kernel(start, stride, address, window.height, window.width, constants, constants + 12);
    return address;
  } finally {
    kernels.free(constants);
  }
}
