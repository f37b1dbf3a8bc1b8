import { StatusError } from '../status.ts';
import { FlagStack } from './flag-stack.ts';
import { JsonCursor } from './json-cursor.ts';
import { JsonDouble, JsonLongText, JsonObject, JsonTensorData, type JsonValue } from './json-value.ts';
import type { StringTable } from './string-table.ts';

/** Where the text stands: at its start, before a value, behind one, before a member's name, inside a string, at the end. */
type State = 'start' | 'value' | 'after' | 'name' | 'string' | 'nameString' | 'tensor' | 'done';

/**
 * Reads a tensor's array while the text is parsed. `start` is at the opening bracket, `owner` is the object so far.
 * Answers undefined where it cannot (yet): the array is then skipped, and its place remembered.
 */
export interface TensorArrayReader {
  start(cursor: JsonCursor, owner: JsonObject): boolean;
  /**
   * Goes on until about `stopAt`. 'done': behind the closing bracket. 'more': call again. A number: the value at the cursor cannot be
   * part of the tensor (the reader keeps why); so many arrays are open there, and the rest is to be skipped.
   */
  read(cursor: JsonCursor, stopAt: number): 'done' | 'more' | number;
  finish(data: JsonTensorData): void;
}

/**
 * Values a text may hold outside tensors' contents. They cost far more memory than their text, and what reads them afterwards is not
 * interrupted; no request that a model can answer comes near.
 */
const MAX_VALUES = 500_000;

interface ReaderOptions {
  /** Reads the arrays called `data` in the objects of the top-level array called `tensorList`. */
  readonly tensors?: TensorArrayReader;
  /** `inputs` when absent, as in a request. */
  readonly tensorList?: 'inputs' | 'outputs';
  /** Longest string outside tensors' contents, in UTF-16 code units; unlimited when absent. */
  readonly maxStringLength?: number;
  /** Long strings, other than names, become JsonLongText; `maxStringLength` does not apply to them. */
  readonly longTexts?: boolean;
  /**
   * Arrays and objects for which it answers false are checked and stay empty. `depth`: how many stand around it; `name`: its own in the
   * innermost, '' in an array; `member`: that of the one directly in the document.
   */
  readonly isWanted?: (depth: number, name: string, member: string | undefined) => boolean;
  /** Values outside tensors' contents, 500,000 when absent. */
  readonly maxValues?: number;
  readonly strings: StringTable;
}

/** What a value, or what stands between two, is worth in bytes of text: those of tensors cost less than others. */
const STEP_COST_BYTES = 8;
/** Strings of more UTF-16 code units than this are long texts. */
const LONG_TEXT_LENGTH = 65_536;
const encoder = new TextEncoder();

/**
 * Parses a JSON text into values, resumably: `run` returns after about as many bytes as it was given, so that a large body
 * shares the event loop. Depth is bounded by the text alone, not by a stack.
 */
export class JsonReader {
  readonly #cursor: JsonCursor;
  readonly #tensors: TensorArrayReader | undefined;
  readonly #tensorList: string;
  readonly #maxStringLength: number;
  readonly #longTexts: boolean;
  /** What was read of a long text. */
  #textParts: Uint8Array[] = [];
  readonly #containers: (JsonObject | JsonValue[])[] = [];
  /** Name under which the innermost container stands in the one around it; '' in an array. */
  readonly #names: string[] = [];
  #name = '';
  #state: State = 'start';
  /** Containers opened since skipping began; one flag each, true for an object. Values in them are checked and dropped. */
  readonly #skipped = new FlagStack();
  /** What stands for them. */
  #skippedValue: JsonValue = null;
  #root: JsonValue | undefined;
  #tensorData: JsonTensorData | undefined;
  readonly #isWanted: ReaderOptions['isWanted'];
  readonly #maxValues: number;
  #valueCount = 0;

  /** `bytes` holds a zero byte at the end of the text. */
  constructor(bytes: Uint8Array, start: number, options: ReaderOptions) {
    this.#cursor = new JsonCursor(bytes, start, options.strings);
    this.#tensors = options.tensors;
    this.#tensorList = options.tensorList ?? 'inputs';
    this.#maxStringLength = options.maxStringLength ?? Number.POSITIVE_INFINITY;
    this.#longTexts = options.longTexts ?? false;
    this.#isWanted = options.isWanted;
    this.#maxValues = options.maxValues ?? MAX_VALUES;
    this.#cursor.skipByteOrderMark();
  }

  /** The document; only after `run` answered true. */
  get root(): JsonValue {
    return this.#root ?? null;
  }

  /** Parses about `byteBudget` bytes and answers whether the document is complete. Throws StatusError INTERNAL on a syntax error. */
  run(byteBudget: number): boolean {
    const cursor = this.#cursor;
    const stopAt = cursor.pos + byteBudget;
    let stepsLeft = Math.ceil(byteBudget / STEP_COST_BYTES);
    while (this.#state !== 'done') {
      if (cursor.pos >= stopAt || --stepsLeft < 0) return false;
      const mayBeBlank = cursor.bytes[cursor.pos]! <= 32;
      if (mayBeBlank && !this.#insideToken() && !cursor.skipBlanks(stopAt)) return false;
      this.#step(stopAt);
    }
    return true;
  }

  #insideToken(): boolean {
    return this.#state === 'string' || this.#state === 'nameString' || this.#state === 'tensor';
  }

  #step(stopAt: number): void {
    switch (this.#state) {
      case 'value':
        this.#value(stopAt);
        break;
      case 'after':
        this.#afterValue();
        break;
      case 'name':
        if (this.#cursor.peek() !== 34) throw this.#cursor.error('missingName');
        this.#cursor.pos++;
        this.#cursor.text = '';
        this.#string(stopAt, true);
        break;
      case 'start':
        if (this.#cursor.peek() === 0) throw this.#cursor.error('documentEmpty');
        this.#state = 'value';
        break;
      case 'string':
        this.#string(stopAt, false);
        break;
      case 'nameString':
        this.#string(stopAt, true);
        break;
      case 'tensor':
        this.#tensor(stopAt);
        break;
      case 'done':
        break;
    }
  }

  #value(stopAt: number): void {
    const cursor = this.#cursor;
    switch (cursor.peek()) {
      case 123:
        cursor.pos++;
        this.#open(new JsonObject());
        break;
      case 91:
        this.#array(stopAt);
        break;
      case 34:
        cursor.pos++;
        cursor.text = '';
        this.#string(stopAt, false);
        break;
      case 116:
        cursor.keyword('true');
        this.#complete(true);
        break;
      case 102:
        cursor.keyword('false');
        this.#complete(false);
        break;
      case 110:
        cursor.keyword('null');
        this.#complete(null);
        break;
      default:
        cursor.number();
        this.#complete(
          cursor.isInteger ? cursor.integer : this.#skipped.length > 0 ? null : new JsonDouble(cursor.double),
        );
    }
  }

  #string(stopAt: number, isName: boolean): void {
    const cursor = this.#cursor;
    const complete = this.#skipped.length > 0 ? cursor.skipStringPart(stopAt) : cursor.stringPart(stopAt);
    if (this.#longTexts && !isName && cursor.text.length > LONG_TEXT_LENGTH) {
      this.#textParts.push(encoder.encode(cursor.text));
      cursor.text = '';
    } else if (cursor.text.length > this.#maxStringLength && this.#skipped.length === 0) {
      throw new StatusError(
        'INVALID_ARG',
        `request JSON has a string of more than ${this.#maxStringLength} characters outside tensor data`,
      );
    }
    if (!complete) {
      this.#state = isName ? 'nameString' : 'string';
      return;
    }
    if (!isName) {
      this.#complete(this.#textParts.length === 0 ? cursor.text : this.#longText());
      return;
    }
    if (this.#skipped.length === 0) this.#name = cursor.text;
    if (cursor.peek() !== 58) throw cursor.error('missingColon');
    cursor.pos++;
    this.#state = 'value';
  }

  #longText(): JsonLongText {
    const parts = this.#textParts;
    if (this.#cursor.text !== '') parts.push(encoder.encode(this.#cursor.text));
    this.#textParts = [];
    return new JsonLongText(parts);
  }

  #open(container: JsonObject | JsonValue[]): void {
    const isObject = container instanceof JsonObject;
    if (this.#skipped.length > 0) {
      this.#skipped.push(isObject);
    } else if (this.#isWanted?.(this.#containers.length, this.#name, this.#names[1]) === false) {
      this.#skippedValue = container;
      this.#skipped.push(isObject);
    } else {
      this.#containers.push(container);
      this.#names.push(this.#name);
      this.#name = '';
    }
    const empty = this.#cursor.peek() === (isObject ? 125 : 93);
    this.#state = empty ? 'after' : isObject ? 'name' : 'value';
    if (empty) this.#close();
  }

  #array(stopAt: number): void {
    if (this.#skipped.length === 0 && this.#atTensorData()) {
      const owner = this.#containers[2] as JsonObject;
      this.#tensorData = new JsonTensorData(this.#cursor.pos);
      if (this.#tensors!.start(this.#cursor, owner)) {
        this.#state = 'tensor';
        this.#tensor(stopAt);
      } else {
        this.#cursor.pos++;
        this.#skipArrays(1, this.#cursor.peek() === 93);
      }
      return;
    }
    this.#cursor.pos++;
    this.#open([]);
  }

  /** Is this value the first `data` of an object in the top-level array of tensors? */
  #atTensorData(): boolean {
    return (
      this.#tensors !== undefined &&
      this.#name === 'data' &&
      this.#containers.length === 3 &&
      this.#names[1] === this.#tensorList &&
      this.#containers[2] instanceof JsonObject &&
      Array.isArray(this.#containers[1]) &&
      this.#containers[2].get('data') === undefined
    );
  }

  #tensor(stopAt: number): void {
    const outcome = this.#tensors!.read(this.#cursor, stopAt);
    if (outcome === 'more') return;
    const data = this.#tensorData!;
    this.#tensors!.finish(data);
    if (outcome === 'done') {
      this.#complete(data);
    } else {
      this.#skipArrays(outcome, false);
    }
  }

  /** Goes on behind `depth` opening brackets of a tensor that is not read. */
  #skipArrays(depth: number, empty: boolean): void {
    this.#skippedValue = this.#tensorData!;
    for (let count = 0; count < depth; count++) this.#skipped.push(false);
    this.#state = 'value';
    if (empty) this.#close();
  }

  /** Puts a value where it belongs. */
  #complete(value: JsonValue): void {
    this.#state = 'after';
    if (this.#skipped.length > 0) return;
    if (++this.#valueCount > this.#maxValues) {
      throw new StatusError('INVALID_ARG', `request JSON has more than ${this.#maxValues} values outside tensor data`);
    }
    const depth = this.#containers.length;
    if (depth === 0) {
      this.#root = value;
      return;
    }
    const container = this.#containers[depth - 1]!;
    if (container instanceof JsonObject) container.add(this.#name, value);
    else container.push(value);
  }

  #close(): void {
    this.#cursor.pos++;
    if (this.#skipped.length > 0) {
      this.#skipped.pop();
      if (this.#skipped.length === 0) this.#complete(this.#skippedValue);
      this.#state = 'after';
      return;
    }
    this.#name = this.#names.pop()!;
    this.#complete(this.#containers.pop()!);
  }

  #afterValue(): void {
    const cursor = this.#cursor;
    const byte = cursor.peek();
    const inObject = this.#inObject();
    if (inObject === undefined) {
      if (byte !== 0) throw cursor.error('rootNotSingular');
      this.#state = 'done';
    } else if (byte === 44) {
      cursor.pos++;
      this.#state = inObject ? 'name' : 'value';
    } else if (byte === (inObject ? 125 : 93)) {
      this.#close();
    } else {
      throw cursor.error(inObject ? 'missingCommaOrBrace' : 'missingCommaOrBracket');
    }
  }

  #inObject(): boolean | undefined {
    if (this.#skipped.length > 0) return this.#skipped.top;
    if (this.#containers.length === 0) return undefined;
    return this.#containers[this.#containers.length - 1] instanceof JsonObject;
  }
}
