import { encodeBytesElements } from './bytes-elements.ts';
import { dataTypeByteSize } from './data-type.ts';
import { StatusError } from './status.ts';
import type { Tensor } from './tensor.ts';
import { typedView } from './typed-view.ts';

/** Elements per item of a batch beyond which Triton refuses to sort. */
const MAX_ELEMENTS = 1_000_000;

/**
 * Replaces a tensor by its top classes (Triton's classification extension): BYTES of shape [batch, k] for a batching model, else [k], with
 * k the smaller of `classCount` and the elements per item. Each element is `<value>:<index>[:<label>]`, highest value first; equal values keep
 * the order of their indices. Floats have six decimals.
 *
 * Throws StatusError INVALID_ARG for BYTES, BOOL, FP16 and BF16 and for items of more than 1,000,000 elements.
 */
export function classify(
  tensor: Tensor,
  classCount: number,
  batching: boolean,
  labels: readonly string[] | undefined,
): Tensor {
  const { dataType, shape, name } = tensor;
  if (dataType === 'BYTES' || dataType === 'BOOL' || dataType === 'FP16' || dataType === 'BF16') {
    throw new StatusError('INVALID_ARG', `class result not available for output due to unsupported type '${dataType}'`);
  }
  const batchSize = batching && shape.length > 0 ? shape[0]! : 0;
  const itemShape = batchSize > 0 ? shape.slice(1) : shape;
  const perItem = itemShape.reduce((product, dim) => product * dim, 1);
  const elements = Math.min(perItem, Math.floor(tensor.data.byteLength / dataTypeByteSize(dataType)));
  if (elements > MAX_ELEMENTS) throw new StatusError('INVALID_ARG', 'classification output tensor too large');
  const values = typedView(tensor) as ArrayLike<number | bigint>;
  const decimals = dataType === 'FP32' || dataType === 'FP64' ? 6 : 0;
  const count = Math.min(classCount, perItem);
  const classes: string[] = [];
  for (let item = 0; item < Math.max(1, batchSize); item++) {
    for (const index of topIndices(values, item * perItem, elements, count)) {
      const value = printValue(values[item * perItem + index]!, decimals);
      // An empty line of a label file is no label.
      const label = labels?.[index] || undefined;
      classes.push(label === undefined ? `${value}:${index}` : `${value}:${index}:${label}`);
    }
  }
  return {
    name,
    dataType: 'BYTES',
    shape: batchSize > 0 ? [batchSize, count] : [count],
    data: encodeBytesElements(classes),
  };
}

/** Indices of the `count` largest values, largest first. NaN is smaller than everything. */
function topIndices(values: ArrayLike<number | bigint>, start: number, length: number, count: number): number[] {
  if (count === 1) return length === 0 ? [] : [largestIndex(values, start, length)];
  const indices = Array.from({ length }, (_, index) => index);
  indices.sort((a, b) => descending(values[start + a]!, values[start + b]!) || a - b);
  return indices.slice(0, count);
}

function largestIndex(values: ArrayLike<number | bigint>, start: number, length: number): number {
  let best = 0;
  for (let index = 1; index < length; index++) {
    if (descending(values[start + index]!, values[start + best]!) < 0) best = index;
  }
  return best;
}

function descending(a: number | bigint, b: number | bigint): number {
  if (a > b) return -1;
  if (a < b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** As C++'s std::to_string prints it. */
function printValue(value: number | bigint, decimals: number): string {
  if (decimals === 0 || typeof value === 'bigint') return value.toString();
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + fixedSix(Math.abs(value));
}

/** `%f` of a number that is not negative: six decimals, the exact value rounded half to even. */
function fixedSix(value: number): string {
  // Half of the sixth decimal is a multiple of 1/128, and only odd ones are halves: toFixed rounds those up.
  const halves = value * 128;
  if (Number.isInteger(halves) && halves % 2 === 1) {
    const below = (BigInt(halves) * 15625n - 1n) / 2n;
    const millionths = (below % 2n === 0n ? below : below + 1n).toString().padStart(7, '0');
    return `${millionths.slice(0, -6)}.${millionths.slice(-6)}`;
  }
  // toFixed turns to exponents at 1e21, where every double is an integer.
  return value < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}
