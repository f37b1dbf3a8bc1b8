import { BYTES_PREFIX_SIZE } from '../bytes-elements.ts';
import { dataTypeByteSize } from '../data-type.ts';
import { StatusError } from '../status.ts';
import type { Tensor } from '../tensor.ts';
import { typedView } from '../typed-view.ts';
import type { ByteWriter } from './byte-writer.ts';

const COMMA = 44;
const QUOTE = 34;
/** BYTES elements longer than this are written in parts, of this size. */
const STRING_PART_BYTES = 16_384;

/**
 * Writes a tensor's elements as the items of a JSON array, resumably. The checks are made when it is constructed; throws StatusError with
 * Triton's texts: INVALID_ARG for FP16 and BF16, INTERNAL where shape and contents do not agree.
 */
export class TensorJsonWriter {
  readonly #tensor: Tensor;
  readonly #count: number;
  readonly #values: ArrayLike<number | bigint> | undefined;
  #index = 0;
  /** Offset of the next BYTES element. */
  #offset = 0;
  /** Where the BYTES element that is being written goes on, and where it ends; equal when none is. */
  #partStart = 0;
  #partEnd = 0;

  constructor(tensor: Tensor, elementCount: number) {
    const { dataType, data, name } = tensor;
    if (dataType === 'FP16' || dataType === 'BF16') {
      throw new StatusError(
        'INVALID_ARG',
        `sending ${dataType} data via JSON is not supported. Please use the binary data format for output`,
      );
    }
    if (dataType !== 'BYTES' && data.byteLength !== elementCount * dataTypeByteSize(dataType)) {
      throw new StatusError(
        'INTERNAL',
        `Failed to write 'data' field: output tensor shape does not match size of output for '${name}'`,
      );
    }
    this.#tensor = tensor;
    this.#count = elementCount;
    this.#values = dataType === 'BYTES' ? undefined : typedView(tensor);
  }

  /** Writes until the writer holds about `byteBudget` bytes more; true when all elements are written. */
  run(writer: ByteWriter, byteBudget: number): boolean {
    const stopAt = writer.length + byteBudget;
    switch (this.#tensor.dataType) {
      case 'BYTES':
        this.#strings(writer, stopAt);
        break;
      case 'FP32':
      case 'FP64':
        this.#doubles(writer, stopAt);
        break;
      case 'INT64':
      case 'UINT64':
        this.#longs(writer, stopAt);
        break;
      case 'BOOL':
        this.#booleans(writer, stopAt);
        break;
      default:
        this.#integers(writer, stopAt);
    }
    return this.#index === this.#count;
  }

  #integers(writer: ByteWriter, stopAt: number): void {
    const values = this.#values as ArrayLike<number>;
    for (; this.#index < this.#count && writer.length < stopAt; this.#index++) {
      if (this.#index > 0) writer.byte(COMMA);
      writer.integer(values[this.#index]!);
    }
  }

  #doubles(writer: ByteWriter, stopAt: number): void {
    const values = this.#values as ArrayLike<number>;
    for (; this.#index < this.#count && writer.length < stopAt; this.#index++) {
      if (this.#index > 0) writer.byte(COMMA);
      writer.double(values[this.#index]!);
    }
  }

  #longs(writer: ByteWriter, stopAt: number): void {
    const values = this.#values as ArrayLike<bigint>;
    for (; this.#index < this.#count && writer.length < stopAt; this.#index++) {
      if (this.#index > 0) writer.byte(COMMA);
      writer.bigInteger(values[this.#index]!);
    }
  }

  #booleans(writer: ByteWriter, stopAt: number): void {
    const values = this.#values as ArrayLike<number>;
    for (; this.#index < this.#count && writer.length < stopAt; this.#index++) {
      if (this.#index > 0) writer.byte(COMMA);
      writer.ascii(values[this.#index] === 0 ? 'false' : 'true');
    }
  }

  #strings(writer: ByteWriter, stopAt: number): void {
    const { data } = this.#tensor;
    if (!this.#stringParts(writer, stopAt)) return;
    while (this.#index < this.#count && writer.length < stopAt) {
      const start = this.#offset + BYTES_PREFIX_SIZE;
      if (start > data.byteLength) throw this.#mismatch();
      const end = start + readLength(data, this.#offset);
      if (end > data.byteLength) throw this.#mismatch();
      if (this.#index > 0) writer.byte(COMMA);
      this.#offset = end;
      if (end - start <= STRING_PART_BYTES) {
        writer.stringBytes(data, start, end);
        this.#index++;
        continue;
      }
      writer.byte(QUOTE);
      this.#partStart = start;
      this.#partEnd = end;
      if (!this.#stringParts(writer, stopAt)) return;
    }
  }

  /** Goes on with a long element; false when there is more of it. */
  #stringParts(writer: ByteWriter, stopAt: number): boolean {
    if (this.#partStart === this.#partEnd) return true;
    while (this.#partStart < this.#partEnd) {
      if (writer.length >= stopAt) return false;
      const end = Math.min(this.#partStart + STRING_PART_BYTES, this.#partEnd);
      writer.stringPart(this.#tensor.data, this.#partStart, end);
      this.#partStart = end;
    }
    writer.byte(QUOTE);
    this.#index++;
    return true;
  }

  #mismatch(): StatusError {
    return new StatusError('INTERNAL', `output tensor shape does not match size of output for '${this.#tensor.name}'`);
  }
}

function readLength(data: Uint8Array, offset: number): number {
  return (data[offset]! | (data[offset + 1]! << 8) | (data[offset + 2]! << 16)) + data[offset + 3]! * 0x1000000;
}
