import { type DataType, dataTypeByteSize, isDataType } from '../data-type.ts';
import { countElements, type WireDim } from '../shape.ts';
import { StatusError } from '../status.ts';
import { BytesDataWriter } from './bytes-data-writer.ts';
import type { JsonCursor } from './json-cursor.ts';
import type { TensorArrayReader } from './json-reader.ts';
import type { JsonObject, JsonTensorData } from './json-value.ts';
import { NumericSink } from './numeric-sink.ts';
import type { TensorMemory } from './tensor-memory.ts';

/** How deep `data` may be nested (Triton's HTTP_MAX_JSON_NESTING_DEPTH). */
const MAX_DEPTH = 100;

/** Takes the elements of one tensor in row-major order, whatever the nesting of the arrays around them. */
export interface ElementSink {
  /**
   * Reads the element at the cursor, or as many in a row as it can. Answers false when the element does not fit the tensor; `failure` says
   * why, and the cursor still stands in front of it. Stops behind a comma, which is then the cursor's last byte, or behind an element.
   */
  read(cursor: JsonCursor, stopAt: number): boolean;
  /** Was a comma the last thing that was read? */
  readonly expectsValue: boolean;
  /** False while inside an element that passed `stopAt`. */
  readonly betweenElements: boolean;
  readonly failure: StatusError | undefined;
  /** Bytes the elements read so far need. */
  readonly byteLength: number;
  /** Contents of the tensor; undefined with `failure` set when the count is wrong. */
  finish(): Uint8Array | undefined;
}

type Position = 'first' | 'value' | 'after';

/** Reads the arrays of numbers, booleans and strings in a request into tensors' contents while the request is parsed. */
export class TensorDataReader implements TensorArrayReader {
  readonly #textEnd: number;
  readonly #maxBytes: number;
  readonly #memory: TensorMemory;
  #sink: ElementSink | undefined;
  #depth = 0;
  #position: Position = 'first';
  #failure: StatusError | undefined;

  /** `textEnd`: offset behind the text; no array has more elements than bytes are left. `maxBytes`: largest contents of one tensor. */
  constructor(textEnd: number, maxBytes: number, memory: TensorMemory) {
    this.#memory = memory;
    this.#textEnd = textEnd;
    this.#maxBytes = maxBytes;
  }

  /** Begins at an array inside a request's input, if its data type and shape were read before it and allow contents. */
  start(cursor: JsonCursor, owner: JsonObject): boolean {
    const dataType = owner.get('datatype');
    const shape = owner.get('shape');
    if (typeof dataType !== 'string' || !isDataType(dataType) || !isShape(shape)) return false;
    const count = countElements(shape);
    return typeof count === 'number' && count > 0 && this.begin(cursor, dataType, count);
  }

  /** Begins at the array at the cursor. False for a type that has no JSON form, and for contents beyond the limit. */
  begin(cursor: JsonCursor, dataType: DataType, elementCount: number): boolean {
    if (dataType === 'FP16' || dataType === 'BF16') return false;
    if (elementCount * dataTypeByteSize(dataType) > this.#maxBytes) return false;
    const textLeft = this.#textEnd - cursor.pos;
    this.#sink =
      dataType === 'BYTES'
        ? new BytesDataWriter(textLeft, this.#maxBytes)
        : new NumericSink(dataType, elementCount, textLeft, this.#memory);
    this.#failure = undefined;
    this.#depth = 1;
    this.#position = 'first';
    cursor.pos++;
    return true;
  }

  read(cursor: JsonCursor, stopAt: number): 'done' | 'more' | number {
    const sink = this.#sink!;
    while (cursor.pos < stopAt) {
      if (!sink.betweenElements) {
        this.#element(sink, cursor, stopAt);
        continue;
      }
      const byte = cursor.peek();
      if (this.#position === 'after') {
        if (byte === 44) {
          cursor.pos++;
          this.#position = 'value';
          continue;
        }
        if (byte !== 93) throw cursor.error('missingCommaOrBracket');
        if (this.#closeArray(cursor)) return 'done';
      } else if (byte === 93 && this.#position === 'first') {
        if (this.#closeArray(cursor)) return 'done';
      } else if (byte === 91) {
        if (this.#depth >= MAX_DEPTH) return this.#fail(this.#tooDeep());
        cursor.pos++;
        this.#depth++;
        this.#position = 'first';
      } else if (!this.#mayRead(sink, cursor, stopAt, byte)) {
        return this.#depth;
      }
    }
    return 'more';
  }

  finish(data: JsonTensorData): void {
    const sink = this.#sink!;
    data.contents = this.#failure === undefined ? sink.finish() : undefined;
    data.byteLength = sink.byteLength;
    data.failure = this.#failure ?? sink.failure;
    this.#sink = undefined;
  }

  /** Reads elements; false when one does not belong there. A byte that begins no value is a syntax error and left to the parser. */
  #mayRead(sink: ElementSink, cursor: JsonCursor, stopAt: number, byte: number): boolean {
    if (this.#depth >= MAX_DEPTH && byte !== 93) {
      this.#failure = this.#tooDeep();
      return false;
    }
    return this.#element(sink, cursor, stopAt);
  }

  #element(sink: ElementSink, cursor: JsonCursor, stopAt: number): boolean {
    if (!sink.read(cursor, stopAt)) {
      this.#failure = sink.failure;
      return false;
    }
    if (sink.betweenElements) this.#position = sink.expectsValue ? 'value' : 'after';
    return true;
  }

  #closeArray(cursor: JsonCursor): boolean {
    cursor.pos++;
    this.#depth--;
    this.#position = 'after';
    return this.#depth === 0;
  }

  #fail(failure: StatusError): number {
    this.#failure = failure;
    return this.#depth;
  }

  #tooDeep(): StatusError {
    const prefix = this.#sink instanceof BytesDataWriter ? '' : "Unable to parse 'data': ";
    return new StatusError('INVALID_ARG', `${prefix}JSON nesting depth exceeds maximum allowed limit (${MAX_DEPTH})`);
  }
}

function isShape(value: unknown): value is readonly WireDim[] {
  return Array.isArray(value) && value.every((dim) => typeof dim === 'number' || typeof dim === 'bigint');
}
