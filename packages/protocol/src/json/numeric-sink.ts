import { dataTypeByteSize } from '../data-type.ts';
import { StatusError } from '../status.ts';
import type { NumericDataType } from '../typed-view.ts';
import type { JsonCursor } from './json-cursor.ts';
import { RunResult, readByteRun, readFloatRun, readIntegerRun, readLongRun } from './number-runs.ts';
import type { ElementSink } from './tensor-data-reader.ts';
import type { Slab, TensorMemory } from './tensor-memory.ts';

type JsonNumericType = Exclude<NumericDataType, 'FP16' | 'BF16'>;
/** 64-bit elements as pairs of 32-bit halves. */
type Store = Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

const MAX_INT64 = 9223372036854775807n;
/** Shortest text of an element with what separates it from the next: `0,`. */
const MIN_ELEMENT_TEXT = 2;

function storeOf(slab: Slab, dataType: JsonNumericType): Store {
  switch (dataType) {
    case 'BOOL':
    case 'UINT8':
      return slab.uint8;
    case 'INT8':
      return slab.int8;
    case 'UINT16':
      return slab.uint16;
    case 'INT16':
      return slab.int16;
    case 'UINT32':
      return slab.uint32;
    case 'FP32':
      return slab.float32;
    case 'FP64':
      return slab.float64;
    default:
      return slab.int32;
  }
}

/** Numbers and booleans into the contents of a tensor whose element count is known. */
export class NumericSink implements ElementSink {
  failure: StatusError | undefined = undefined;
  readonly betweenElements = true;
  readonly #dataType: JsonNumericType;
  readonly #elementBytes: number;
  readonly #slab: Slab;
  readonly #offset: number;
  readonly #store: Store;
  /** Positions in the slab, in elements: of the first one, behind the last one of the tensor, behind the last one there is room for. */
  readonly #first: number;
  readonly #end: number;
  readonly #room: number;
  readonly #run = new RunResult();

  /** Room is made for what `textBytes` can hold at most, so a shape alone reserves no memory. */
  constructor(dataType: JsonNumericType, expectedCount: number, textBytes: number, memory: TensorMemory) {
    const room = Math.min(expectedCount, Math.ceil(textBytes / MIN_ELEMENT_TEXT));
    this.#dataType = dataType;
    this.#elementBytes = dataTypeByteSize(dataType);
    this.#slab = memory.take(room * this.#elementBytes);
    this.#offset = memory.offset;
    this.#store = storeOf(this.#slab, dataType);
    this.#first = this.#offset / this.#elementBytes;
    this.#end = this.#first + expectedCount;
    this.#room = this.#first + room;
    this.#run.count = this.#first;
  }

  get byteLength(): number {
    return (this.#run.count - this.#first) * this.#elementBytes;
  }

  get expectsValue(): boolean {
    return this.#run.expectsValue;
  }

  read(cursor: JsonCursor, stopAt: number): boolean {
    const run = this.#run;
    const before = run.count;
    run.pos = cursor.pos;
    this.#readRun(cursor.bytes, stopAt);
    cursor.pos = run.pos;
    return run.count > before || this.#readOne(cursor);
  }

  finish(): Uint8Array | undefined {
    if (this.#run.count !== this.#end) {
      this.failure = new StatusError('INTERNAL', "Failed to parse 'data' field: shape does not match true shape");
      return undefined;
    }
    return new Uint8Array(this.#slab.buffer, this.#offset, this.byteLength);
  }

  #readRun(bytes: Uint8Array, stopAt: number): void {
    const store = this.#store;
    const run = this.#run;
    switch (this.#dataType) {
      case 'UINT8':
        readByteRun(bytes, stopAt, store as Uint8Array, this.#room, run);
        break;
      case 'UINT16':
      case 'UINT32':
        readIntegerRun(bytes, stopAt, store as Uint32Array, false, this.#room, run);
        break;
      case 'INT8':
      case 'INT16':
      case 'INT32':
        readIntegerRun(bytes, stopAt, store as Int32Array, true, this.#room, run);
        break;
      case 'UINT64':
      case 'INT64':
        readLongRun(bytes, stopAt, store as Int32Array, this.#dataType === 'INT64', this.#room, run);
        break;
      case 'FP32':
      case 'FP64':
        readFloatRun(bytes, stopAt, store as Float32Array | Float64Array, this.#room, run);
        break;
      case 'BOOL':
        break;
    }
  }

  /** One element of any form. The order of the checks is Triton's: count before type. */
  #readOne(cursor: JsonCursor): boolean {
    const start = cursor.pos;
    if (this.#run.count >= this.#end) {
      return this.#refuse(cursor, start, "Shape does not match true shape of 'data' field");
    }
    const stored = this.#dataType === 'BOOL' ? this.#readBoolean(cursor) : this.#readNumber(cursor);
    if (!stored) return this.#refuse(cursor, start, this.#typeMessage());
    this.#run.count++;
    this.#run.expectsValue = false;
    return true;
  }

  #refuse(cursor: JsonCursor, start: number, message: string): boolean {
    cursor.pos = start;
    this.failure = new StatusError('INTERNAL', `Unable to parse 'data': ${message}`);
    return false;
  }

  #typeMessage(): string {
    switch (this.#dataType) {
      case 'BOOL':
        return 'attempt to access JSON non-boolean as boolean';
      case 'FP32':
      case 'FP64':
        return 'attempt to access JSON non-number as double';
      case 'UINT8':
      case 'UINT16':
      case 'UINT32':
      case 'UINT64':
        return 'attempt to access JSON non-unsigned-integer as unsigned-integer';
      default:
        return 'attempt to access JSON non-signed-integer as signed-integer';
    }
  }

  #readBoolean(cursor: JsonCursor): boolean {
    const first = cursor.bytes[cursor.pos];
    if (first !== 116 && first !== 102) return false;
    cursor.keyword(first === 116 ? 'true' : 'false');
    this.#store[this.#run.count] = first === 116 ? 1 : 0;
    return true;
  }

  #readNumber(cursor: JsonCursor): boolean {
    if (!beginsNumber(cursor.bytes[cursor.pos]!)) return false;
    cursor.number();
    const position = this.#run.count;
    if (this.#dataType === 'FP32' || this.#dataType === 'FP64') {
      this.#store[position] = cursor.isInteger ? Number(cursor.integer) : cursor.double;
      return true;
    }
    if (!cursor.isInteger || !this.#inRange(cursor.integer)) return false;
    if (this.#elementBytes === 8) {
      this.#store[position * 2] = lowHalf(cursor.integer);
      this.#store[position * 2 + 1] = highHalf(cursor.integer);
    } else {
      this.#store[position] = lowHalf(cursor.integer);
    }
    return true;
  }

  /** 64 bits, signed or unsigned by the data type; what the type itself cannot hold wraps around. */
  #inRange(value: number | bigint): boolean {
    return this.#dataType.startsWith('UINT') ? value >= 0 : value <= MAX_INT64;
  }
}

/** A number that wraps to the low 32 bits of `value` when it is stored. */
function lowHalf(value: number | bigint): number {
  return typeof value === 'number' ? value : Number(BigInt.asIntN(32, value));
}

function highHalf(value: number | bigint): number {
  return typeof value === 'number' ? Math.floor(value / 4294967296) : Number(BigInt.asIntN(64, value) >> 32n);
}

/** True for any byte that RapidJSON hands to its number parser, so that its error is the one reported. */
function beginsNumber(byte: number): boolean {
  return byte !== 34 && byte !== 91 && byte !== 123 && byte !== 116 && byte !== 102 && byte !== 110;
}
