import {
  BYTES_PREFIX_SIZE,
  type DataType,
  dataTypeByteSize,
  JsonLongText,
  type JsonValue,
  StatusError,
  type Tensor,
} from '@nereid/protocol';
import { storeElement } from './generate-element.ts';

const MAX_DEPTH = 100;
/** Elements looked at in one step: a fraction of a millisecond. */
const STEP_ELEMENTS = 4096;
/** Characters of strings written in one step. */
const STEP_CHARACTERS = 131_072;

/** Bytes that the inputs of one request take together. */
export interface InputBudget {
  usedBytes: number;
  readonly maxBytes: number;
}

/**
 * A value of a generate request on its way to a tensor, in steps: one element, or those of an array. `dims` is the shape the model's metadata
 * shows; dimensions that are known are filled first, then the innermost variable one takes what is left and the others are 1.
 */
export class GenerateInput {
  readonly #name: string;
  readonly #dataType: DataType;
  readonly #dims: readonly number[];
  readonly #count: number;
  readonly #budget: InputBudget;
  readonly #elements: Elements;
  #bytes = 0;
  #failure: StatusError | undefined;
  #target: TensorTarget | undefined;
  #tensor: Tensor | undefined;

  constructor(name: string, dataType: DataType, dims: readonly number[], value: JsonValue, budget: InputBudget) {
    this.#name = name;
    this.#dataType = dataType;
    this.#dims = dims;
    this.#count = Array.isArray(value) ? value.length : 1;
    this.#budget = budget;
    this.#elements = new Elements(value, dataType);
  }

  /** The tensor; only after `step` answered true. */
  get tensor(): Tensor {
    return this.#tensor!;
  }

  /** True when the tensor is there. Throws StatusError with Triton's texts. */
  step(): boolean {
    if (this.#target === undefined) {
      if (this.#measure()) this.#begin();
      return this.#tensor !== undefined;
    }
    if (!this.#target.step(this.#elements)) return false;
    this.#tensor = this.#made(fitShape(this.#name, this.#dims, this.#count), this.#target.data);
    return true;
  }

  /** Looks at every element; true behind the last. */
  #measure(): boolean {
    const isBytes = this.#dataType === 'BYTES';
    let characters = 0;
    for (let looked = 0; looked < STEP_ELEMENTS && characters < STEP_CHARACTERS; looked++) {
      const element = this.#elements.next();
      if (element === undefined) return true;
      if (!isBytes) continue;
      if (element instanceof JsonLongText) {
        this.#bytes += BYTES_PREFIX_SIZE + element.byteLength;
      } else if (typeof element === 'string') {
        characters += element.length;
        this.#bytes += BYTES_PREFIX_SIZE + Buffer.byteLength(element);
      } else {
        // Arrays that are too deep come first.
        this.#failure ??= internal('Unable to parse JSON bytes array: attempt to access JSON non-string as string');
      }
    }
    return false;
  }

  #begin(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const name = this.#name;
    const dataType = this.#dataType;
    const budget = this.#budget;
    const byteSize = dataType === 'BYTES' ? this.#bytes : this.#count * dataTypeByteSize(dataType);
    if (byteSize === 0) {
      this.#tensor = this.#made([], new Uint8Array(0));
      return;
    }
    if (budget.usedBytes + byteSize > budget.maxBytes) throw tooLarge(name, byteSize, budget);
    budget.usedBytes += byteSize;
    fitShape(name, this.#dims, this.#count);
    this.#elements.rewind();
    this.#target = dataType === 'BYTES' ? new StringTarget(byteSize) : new NumberTarget(name, dataType, this.#count);
  }

  #made(shape: readonly number[], data: Uint8Array): Tensor {
    return { name: this.#name, dataType: this.#dataType, shape, data };
  }
}

/** Contents of a tensor that take elements in steps. */
interface TensorTarget {
  readonly data: Uint8Array;
  /** True behind the last element. */
  step(elements: Elements): boolean;
}

class StringTarget implements TensorTarget {
  readonly data: Buffer;
  #offset = 0;
  /** Parts of a long text that are still to be written. */
  #parts: readonly Uint8Array[] = [];
  #nextPart = 0;

  constructor(byteSize: number) {
    this.data = Buffer.from(new ArrayBuffer(byteSize));
  }

  step(elements: Elements): boolean {
    let characters = 0;
    for (let written = 0; written < STEP_ELEMENTS && characters < STEP_CHARACTERS; written++) {
      if (this.#nextPart < this.#parts.length) {
        characters += this.#writePart();
        continue;
      }
      const element = elements.next();
      if (element === undefined) return true;
      if (element instanceof JsonLongText) this.#beginLong(element);
      else characters += this.#write(element as string);
    }
    return false;
  }

  #write(element: string): number {
    const start = this.#offset + BYTES_PREFIX_SIZE;
    const length = this.data.write(element, start);
    this.data.writeUInt32LE(length, this.#offset);
    this.#offset = start + length;
    return element.length;
  }

  #beginLong({ parts, byteLength }: JsonLongText): void {
    this.#offset = this.data.writeUInt32LE(byteLength, this.#offset);
    this.#parts = parts;
    this.#nextPart = 0;
  }

  #writePart(): number {
    const part = this.#parts[this.#nextPart++]!;
    this.data.set(part, this.#offset);
    this.#offset += part.byteLength;
    return part.byteLength;
  }
}

class NumberTarget implements TensorTarget {
  readonly data: Uint8Array;
  readonly #dataType: DataType;
  readonly #count: number;
  readonly #view: DataView;
  #index = 0;

  constructor(name: string, dataType: DataType, count: number) {
    if (dataType === 'FP16' || dataType === 'BF16') {
      throw new StatusError(
        'INVALID_ARG',
        `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
      );
    }
    this.data = new Uint8Array(count * dataTypeByteSize(dataType));
    this.#dataType = dataType;
    this.#count = count;
    this.#view = new DataView(this.data.buffer);
  }

  step(elements: Elements): boolean {
    const size = dataTypeByteSize(this.#dataType);
    for (let stored = 0; stored < STEP_ELEMENTS; stored++) {
      const element = elements.next();
      if (element === undefined) {
        if (this.#index === this.#count) return true;
        throw internal("Failed to parse 'data' field: shape does not match true shape");
      }
      if (this.#index >= this.#count) {
        throw internal("Unable to parse 'data': Shape does not match true shape of 'data' field");
      }
      storeElement(this.#view, this.#dataType, this.#index++ * size, element);
    }
    return false;
  }
}

/** The elements of nested arrays in row-major order. */
class Elements {
  readonly #value: JsonValue;
  readonly #dataType: DataType;
  /** Arrays that are open, and the place in each. */
  #arrays: (readonly JsonValue[])[] = [];
  #places: number[] = [];
  #given = false;

  constructor(value: JsonValue, dataType: DataType) {
    this.#value = value;
    this.#dataType = dataType;
  }

  rewind(): void {
    this.#arrays = [];
    this.#places = [];
    this.#given = false;
  }

  /** The next element that is no array; undefined behind the last. Throws StatusError INVALID_ARG where the arrays are too deep. */
  next(): JsonValue | undefined {
    if (!this.#given) {
      this.#given = true;
      if (!isArray(this.#value)) return this.#value;
      this.#open(this.#value);
    }
    for (;;) {
      const depth = this.#arrays.length - 1;
      if (depth < 0) return undefined;
      const array = this.#arrays[depth]!;
      const place = this.#places[depth]!;
      if (place === array.length) {
        this.#arrays.pop();
        this.#places.pop();
        continue;
      }
      this.#places[depth] = place + 1;
      const item = array[place]!;
      if (depth + 1 >= MAX_DEPTH) throw this.#tooDeep();
      if (!isArray(item)) return item;
      this.#open(item);
    }
  }

  #open(array: readonly JsonValue[]): void {
    this.#arrays.push(array);
    this.#places.push(0);
  }

  #tooDeep(): StatusError {
    const prefix = this.#dataType === 'BYTES' ? '' : "Unable to parse 'data': ";
    return new StatusError('INVALID_ARG', `${prefix}JSON nesting depth exceeds maximum allowed limit (${MAX_DEPTH})`);
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function tooLarge(name: string, byteSize: number, budget: InputBudget): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `request size of ${budget.usedBytes} bytes with input '${name}' of size ${byteSize} bytes exceeds the maximum allowed input size of ${budget.maxBytes}. Use --http-max-input-size to increase the limit.`,
  );
}

function fitShape(name: string, dims: readonly number[], count: number): number[] {
  let left = count;
  for (const dim of dims) {
    if (dim === -1) continue;
    if (left % dim !== 0) throw noShape(name);
    left /= dim;
  }
  const shape = [...dims];
  for (let index = shape.length - 1; index >= 0; index--) {
    if (shape[index] !== -1) continue;
    shape[index] = left;
    left = 1;
  }
  if (left !== 1) throw noShape(name);
  return shape;
}

function noShape(name: string): StatusError {
  return new StatusError('INVALID_ARG', `The schema can not convert input '${name}' to tensor with proper shape`);
}

function internal(message: string): StatusError {
  return new StatusError('INTERNAL', message);
}
