import { encodeBytesElements } from './bytes-elements.ts';
import { dataTypeByteSize } from './data-type.ts';
import { StatusError } from './status.ts';
import type { Tensor } from './tensor.ts';
import { TopIndices } from './top-indices.ts';
import { typedView } from './typed-view.ts';

/** Elements per item of a batch beyond which Triton refuses to sort. */
const MAX_ELEMENTS = 1_000_000;

/** Classes that are printed in one step. */
const STEP_CLASSES = 1024;
/** Printed parts that are put together in one step. */
const STEP_PARTS = 16;

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
  const classification = new Classification(tensor, classCount, batching, labels);
  while (!classification.step());
  return classification.tensor;
}

/** `classify` in steps of a fraction of a millisecond. */
export class Classification {
  readonly #name: string;
  readonly #values: ArrayLike<number | bigint>;
  readonly #decimals: number;
  readonly #labels: readonly string[] | undefined;
  readonly #shape: readonly number[];
  readonly #items: number;
  readonly #perItem: number;
  /** Elements of an item that are there. */
  readonly #elements: number;
  readonly #count: number;
  #item = 0;
  #top: TopIndices | undefined;
  /** Classes of the item that are printed. */
  #printed = 0;
  readonly #parts: Uint8Array[] = [];
  #byteLength = 0;
  #data: Uint8Array | undefined;
  #joined = 0;
  #offset = 0;

  /** Throws StatusError INVALID_ARG as `classify` does. */
  constructor(tensor: Tensor, classCount: number, batching: boolean, labels: readonly string[] | undefined) {
    const { dataType, shape, name } = tensor;
    if (dataType === 'BYTES' || dataType === 'BOOL' || dataType === 'FP16' || dataType === 'BF16') {
      throw new StatusError(
        'INVALID_ARG',
        `class result not available for output due to unsupported type '${dataType}'`,
      );
    }
    const batchSize = batching && shape.length > 0 ? shape[0]! : 0;
    const itemShape = batchSize > 0 ? shape.slice(1) : shape;
    this.#perItem = itemShape.reduce((product, dim) => product * dim, 1);
    this.#elements = Math.min(this.#perItem, Math.floor(tensor.data.byteLength / dataTypeByteSize(dataType)));
    if (this.#elements > MAX_ELEMENTS) throw new StatusError('INVALID_ARG', 'classification output tensor too large');
    this.#name = name;
    this.#labels = labels;
    this.#values = typedView(tensor) as ArrayLike<number | bigint>;
    this.#decimals = dataType === 'FP32' || dataType === 'FP64' ? 6 : 0;
    this.#count = Math.min(classCount, this.#perItem);
    this.#items = Math.max(1, batchSize);
    this.#shape = batchSize > 0 ? [batchSize, this.#count] : [this.#count];
  }

  /** The classes; only after `step` answered true. */
  get tensor(): Tensor {
    return { name: this.#name, dataType: 'BYTES', shape: this.#shape, data: this.#data! };
  }

  /** True when all is done. */
  step(): boolean {
    if (this.#item < this.#items) {
      this.#stepItem();
      return false;
    }
    return this.#join();
  }

  #stepItem(): void {
    if (this.#top === undefined) {
      this.#top = new TopIndices(this.#values, this.#item * this.#perItem, this.#elements, this.#count);
      this.#printed = 0;
    }
    if (!this.#top.step()) return;
    this.#print(this.#top.indices);
    if (this.#printed < this.#top.indices.length) return;
    this.#top = undefined;
    this.#item++;
  }

  #print(indices: Uint32Array): void {
    const classes: string[] = [];
    for (const index of indices.subarray(this.#printed, this.#printed + STEP_CLASSES)) {
      const value = printValue(this.#values[this.#item * this.#perItem + index]!, this.#decimals);
      const label = this.#labels?.[index] || undefined;
      classes.push(label === undefined ? `${value}:${index}` : `${value}:${index}:${label}`);
    }
    this.#printed += classes.length;
    const part = encodeBytesElements(classes);
    this.#parts.push(part);
    this.#byteLength += part.byteLength;
  }

  #join(): boolean {
    if (this.#parts.length === 1) {
      this.#data = this.#parts[0]!;
      return true;
    }
    this.#data ??= new Uint8Array(this.#byteLength);
    const end = Math.min(this.#joined + STEP_PARTS, this.#parts.length);
    for (; this.#joined < end; this.#joined++) {
      const part = this.#parts[this.#joined]!;
      this.#data.set(part, this.#offset);
      this.#offset += part.byteLength;
    }
    return this.#joined === this.#parts.length;
  }
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
