import { ImageError } from '../image-error.ts';

/** Filters of DALI's resize. TRIANGULAR is LINEAR with antialiasing. */
export type ResampleFilter = 'NN' | 'LINEAR' | 'TRIANGULAR' | 'CUBIC' | 'LANCZOS3' | 'GAUSSIAN';

/** How one axis is resampled: output i is the sum over k of weight[i * support + k] * source[first[i] + k], edges repeated. */
export interface AxisPlan {
  readonly sourceSize: number;
  readonly outputSize: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
  readonly support: number;
  /** Every output is the source element of the same index: the pass may be left out. */
  readonly isIdentity: boolean;
}

export interface AxisRequest {
  readonly sourceSize: number;
  readonly outputSize: number;
  /** Region of the source that maps to the output, in source pixels; swapped ends flip. */
  readonly lo: number;
  readonly hi: number;
  /** Used when the output is smaller than the region. */
  readonly minFilter: ResampleFilter;
  readonly magFilter: ResampleFilter;
  /** Widen the filter with the scale when shrinking. */
  readonly antialias: boolean;
}

/** Bound on weights of one axis: a region of a million pixels squeezed into one output. */
const MAX_WEIGHTS = 1 << 24;
/** Source indices stay far enough inside 32 bits for the kernels to add to them. */
const MAX_INDEX = 2 ** 30;

/** A filter as DALI keeps it: samples of the window, read with linear interpolation, stretched to a support. */
interface FilterTable {
  readonly samples: Float32Array;
  readonly anchor: number;
  /** Table steps per source pixel. */
  readonly scale: number;
  readonly support: number;
}

/**
 * Weights of one axis, in float32 as DALI computes them (kernels/imgproc/resample): the filter is centred on (i + 0.5) * scale + lo - 0.5
 * (half-pixel centres), sampled at the source pixels and normalised. Throws ImageError (`limit`) for a region too large for its output.
 */
export function planAxis(request: AxisRequest): AxisPlan {
  const { sourceSize, outputSize, lo, hi } = request;
  if (!Number.isSafeInteger(outputSize) || outputSize < 0 || sourceSize < 1) {
    throw new ImageError('argument', `cannot resample ${sourceSize} pixels to ${outputSize}`);
  }
  const regionSize = Math.fround(Math.abs(hi - lo));
  const shrinks = outputSize < regionSize;
  const filter = shrinks ? request.minFilter : request.magFilter;
  const scale = Math.fround((Math.fround(hi) - Math.fround(lo)) / outputSize);
  if (filter === 'NN') return planNearest(request, scale);
  const ratio = shrinks && request.antialias ? regionSize / outputSize : 1;
  const table = filterTable(filter, shrinks && filter === 'LINEAR' && request.antialias ? 'TRIANGULAR' : filter, ratio);
  if (!Number.isFinite(scale) || table.support * outputSize > MAX_WEIGHTS) {
    throw new ImageError(
      'limit',
      `cannot resample a region of ${regionSize} pixels to ${outputSize}: the filter is too wide`,
    );
  }
  const first = new Int32Array(outputSize);
  const weights = new Float32Array(outputSize * table.support);
  const origin = Math.fround(Math.fround(lo) + Math.fround(Math.fround(0.5 * scale) - Math.fround(0.5 + table.anchor)));
  for (let i = 0; i < outputSize; i++) {
    const start = Math.fround(Math.fround(i * scale) + origin);
    const index = Math.min(Math.max(Math.ceil(start), -MAX_INDEX), MAX_INDEX);
    first[i] = index;
    fillWeights(weights, i * table.support, table, Math.fround(index - start));
  }
  const isIdentity = filter !== 'GAUSSIAN' && outputSize === sourceSize && lo === 0 && hi === sourceSize;
  return { sourceSize, outputSize, first, weights, support: table.support, isIdentity };
}

function planNearest({ sourceSize, outputSize, lo, hi }: AxisRequest, scale: number): AxisPlan {
  const first = new Int32Array(outputSize);
  for (let i = 0; i < outputSize; i++) {
    const at = Math.floor(Math.fround(Math.fround(lo) + Math.fround(Math.fround(i + 0.5) * scale)));
    first[i] = Math.min(Math.max(at, 0), sourceSize - 1);
  }
  const weights = new Float32Array(outputSize).fill(1);
  return {
    sourceSize,
    outputSize,
    first,
    weights,
    support: 1,
    isIdentity: outputSize === sourceSize && lo === 0 && hi === sourceSize,
  };
}

function fillWeights(weights: Float32Array, at: number, table: FilterTable, offset: number): void {
  let sum = 0;
  for (let k = 0; k < table.support; k++) {
    const weight = sampleTable(table.samples, Math.fround(Math.fround(offset + k) * table.scale));
    weights[at + k] = weight;
    sum = Math.fround(sum + weight);
  }
  if (sum === 0) return;
  for (let k = 0; k < table.support; k++) weights[at + k] = weights[at + k]! / sum;
}

function sampleTable(samples: Float32Array, x: number): number {
  if (!(x > -1) || x >= samples.length) return 0;
  const index = Math.floor(x);
  const low = index < 0 ? 0 : samples[index]!;
  const high = index + 1 >= samples.length ? 0 : samples[index + 1]!;
  return Math.fround(low + Math.fround(Math.fround(x - index) * Math.fround(high - low)));
}

/** `ratio` is source pixels per output pixel when the filter widens, else 1. */
function filterTable(filter: ResampleFilter, shape: ResampleFilter, ratio: number): FilterTable {
  if (filter === 'LINEAR' && shape === 'LINEAR') return stretch(TRIANGLE, 2);
  if (shape === 'TRIANGULAR') return stretch(TRIANGLE, Math.max(1, 2 * ratio));
  if (shape === 'CUBIC') return stretch(CUBIC, Math.max(4, 4 * ratio));
  if (shape === 'LANCZOS3') return stretch(LANCZOS3, Math.max(6, 6 * ratio));
  return stretch(GAUSSIAN, Math.max(1, 2 * ratio));
}

function stretch(samples: Float32Array, supportPixels: number): FilterTable {
  const size = Math.fround(supportPixels);
  const scale = Math.fround((samples.length - 1) / size);
  const anchor = Math.fround(((samples.length - 1) * 0.5) / scale);
  return { samples, anchor, scale, support: Math.ceil(Math.fround((samples.length - 1) / scale)) };
}

const TRIANGLE = Float32Array.of(0, 1, 0);
/** Catmull-Rom (a = -0.5), radius 2. */
const CUBIC = tabulate(129, 2, (x) => {
  const a = Math.abs(x);
  if (a >= 2) return 0;
  return a > 1 ? ((-0.5 * a + 2.5) * a - 4) * a + 2 : (1.5 * a - 2.5) * a * a + 1;
});
const LANCZOS3 = tabulate(193, 3, (x) => (Math.abs(x) >= 3 ? 0 : sinc(x) * sinc(x / 3)));
const GAUSSIAN = tabulate(65, 2, (x) => Math.exp(-x * x));

function tabulate(count: number, radius: number, window: (x: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => window((2 * radius * (i - (count - 1) / 2)) / (count - 1)));
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
