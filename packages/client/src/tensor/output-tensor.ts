import {
  type DataType,
  decodeBytesElements,
  isNumeric,
  type NumericDataType,
  type TensorArray,
  type TypedArrayByDataType,
  typedView,
} from '@nereid/protocol';
import { InferenceServerError, invalidArgument } from '../errors/index.ts';
import { bfloat16FromBits, float16FromBits } from './half.ts';

/** One class of a classification output. */
export interface ClassScore {
  readonly score: number;
  /** Position in the model's output. */
  readonly index: number;
  /** Line of the model's label file; undefined when it has none. */
  readonly label: string | undefined;
}

/** Elements of an output: a typed array, or for BYTES a list of byte strings. */
export type OutputData = TensorArray | readonly Uint8Array[];

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/**
 * An output of a model, row-major. The arrays are views into the response wherever they are aligned there; they keep it in memory, so
 * copy (`slice()`) a small part of a large answer that you want to keep.
 */
export class OutputTensor {
  readonly name: string;
  readonly dataType: DataType;
  /** Full shape; with models that batch the first dimension is the batch. */
  readonly shape: readonly number[];
  readonly #contents: Uint8Array | undefined;
  #data: OutputData | undefined;

  constructor(name: string, dataType: DataType, shape: readonly number[], contents: Uint8Array | undefined) {
    this.name = name;
    this.dataType = dataType;
    this.shape = shape;
    this.#contents = contents;
  }

  /** True when the server put the contents into shared memory instead of sending them. */
  get inSharedMemory(): boolean {
    return this.#contents === undefined;
  }

  /** Number of elements. */
  get length(): number {
    return this.shape.reduce((product, dim) => product * dim, 1);
  }

  /** Contents in the protocol's binary form. Throws InferenceServerError INVALID_ARG when they are in shared memory. */
  get bytes(): Uint8Array {
    if (this.#contents === undefined) {
      throw invalidArgument(`output '${this.name}' is in shared memory, the response does not hold it`);
    }
    return this.#contents;
  }

  /**
   * Elements as the array of the data type: BOOL as Uint8Array of 0 and 1, FP16 and BF16 as Uint16Array of bit patterns (see `floats`), 64-bit
   * integers as BigInt arrays, BYTES as a list of Uint8Array (see `strings`).
   */
  get data(): OutputData {
    const { dataType, bytes } = this;
    this.#data ??= isNumeric(dataType)
      ? typedView({ name: this.name, dataType, shape: this.shape, data: bytes })
      : decodeBytesElements(bytes, this.length, this.name);
    return this.#data;
  }

  /** `data`, typed: `output.as('FP32')` is a Float32Array. Throws InferenceServerError INVALID_ARG when the output has another type. */
  as<Type extends NumericDataType>(dataType: Type): TypedArrayByDataType[Type] {
    if (this.dataType !== dataType) {
      throw invalidArgument(`output '${this.name}' is ${this.dataType}, not ${dataType}`);
    }
    return this.data as TypedArrayByDataType[Type];
  }

  /** Elements of a BYTES output as text (UTF-8; what is none becomes U+FFFD). */
  strings(): string[] {
    return this.#elements().map((element) => decoder.decode(element));
  }

  /** Elements of an FP32, FP16 or BF16 output as numbers: a view for FP32, converted for the others. */
  floats(): Float32Array {
    switch (this.dataType) {
      case 'FP32':
        return this.as('FP32');
      case 'FP16':
        return float16FromBits(this.as('FP16'));
      case 'BF16':
        return bfloat16FromBits(this.as('BF16'));
      default:
        throw invalidArgument(`output '${this.name}' is ${this.dataType}, not FP32, FP16 or BF16`);
    }
  }

  /** Elements of a BOOL output. */
  booleans(): boolean[] {
    return Array.from(this.as('BOOL'), (byte) => byte !== 0);
  }

  /**
   * Elements of an output for which classes were requested, best first, one list for each item of the batch (one list when the model does not
   * batch). Throws InferenceServerError INVALID_RESPONSE for elements that are not `<score>:<index>[:<label>]`.
   */
  classes(): ClassScore[][] {
    const scores = this.strings().map((text) => parseClass(this.name, text));
    const perItem = this.shape.length > 1 ? this.shape.at(-1)! : scores.length;
    const items: ClassScore[][] = [];
    for (let start = 0; start < scores.length; start += perItem) items.push(scores.slice(start, start + perItem));
    return items;
  }

  #elements(): readonly Uint8Array[] {
    if (this.dataType !== 'BYTES') throw invalidArgument(`output '${this.name}' is ${this.dataType}, not BYTES`);
    return this.data as readonly Uint8Array[];
  }
}

function parseClass(name: string, text: string): ClassScore {
  const [, score, index, label] = /^([^:]+):(\d+)(?::(.*))?$/s.exec(text) ?? [];
  if (score === undefined || index === undefined) {
    throw new InferenceServerError('INVALID_RESPONSE', `output '${name}' holds '${text}', which is no class`);
  }
  return { score: parseScore(score), index: Number(index), label };
}

/** As C++ prints doubles. */
function parseScore(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  return text === '-inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
