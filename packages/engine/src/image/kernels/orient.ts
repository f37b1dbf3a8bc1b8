import type { ImageKernels } from './image-kernels.ts';
import type { KernelImage } from './resample.ts';

/** EXIF orientation (TIFF tag 274): 1 upright, 2-4 mirrored or turned by 180 degrees, 5-8 with width and height exchanged. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Whether upright rows run along stored columns. */
export function exchangesAxes(orientation: Orientation): boolean {
  return orientation >= 5;
}

/**
 * Turns a uint8 picture upright. Returns a new block in kernel memory, or the source itself when it is upright already.
 */
export function orient(kernels: ImageKernels, source: KernelImage, orientation: Orientation): KernelImage {
  if (orientation === 1) return source;
  const { height, width, channels } = source;
  const row = width * channels;
  const address = kernels.allocate(height * row);
  const swapped = exchangesAxes(orientation);
  // The upright picture's first pixel is in the stored last row for 3, 4, 6 and 7, in the last column for 2, 3, 7 and 8.
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const origin = source.address + (fromBottom ? (height - 1) * row : 0) + (fromRight ? row - channels : 0);
  const alongRow = fromBottom ? -row : row;
  const alongColumn = fromRight ? -channels : channels;
  const upright = swapped ? { height: width, width: height } : { height, width };
  kernels.exports.orient(
    origin,
    swapped ? alongColumn : alongRow,
    swapped ? alongRow : alongColumn,
    address,
    upright.height,
    upright.width,
    channels,
  );
  return { ...source, ...upright, address };
}
