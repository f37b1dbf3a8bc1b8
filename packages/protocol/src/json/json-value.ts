import { StatusError } from '../status.ts';

/** A JSON number that was written with a fraction, an exponent, as NaN or Infinity, or beyond 64 bits. */
export class JsonDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A JSON object. Members keep their order; of members with one name the first wins. Names are data: `__proto__` is one like any other. */
export class JsonObject {
  readonly names: string[] = [];
  readonly values: JsonValue[] = [];

  add(name: string, value: JsonValue): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** The first member called `name`; undefined when there is none (a JSON null is `null`). */
  get(name: string): JsonValue | undefined {
    const { names } = this;
    for (let position = 0; position < names.length; position++) {
      if (names[position] === name) return this.values[position];
    }
    return undefined;
  }
}

const utf8 = new TextDecoder();

/** A string that is too long to be handled in one piece: its UTF-8 in parts of about a hundred kilobytes, none of them empty. */
export class JsonLongText {
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts;
    this.byteLength = parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  toString(): string {
    return this.parts.map((part) => utf8.decode(part)).join('');
  }
}

/** Where a tensor's `data` array stands in the text, and what was read from it. */
export class JsonTensorData {
  /** Offset of the opening bracket. */
  readonly start: number;
  /** Contents in the protocol's binary form; undefined until they were read. */
  contents: Uint8Array | undefined = undefined;
  /** Bytes the contents need, also where they were too many to be kept. */
  byteLength = 0;
  /** Why they cannot be read; the rest of the text may still have a syntax error, which then comes first. */
  failure: StatusError | undefined = undefined;

  constructor(start: number) {
    this.start = start;
  }
}

/** Integers are numbers where that is exact and bigints up to 64 bits; everything else numeric is a JsonDouble. */
export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | JsonDouble
  | readonly JsonValue[]
  | JsonObject
  | JsonLongText
  | JsonTensorData;

const MAX_INT64 = 9223372036854775807n;

/** A type error in Triton's words. These are INTERNAL (HTTP 500) in Triton, and so they are here. */
function mismatch(actual: string, wanted: string, context: string): StatusError {
  const message = `attempt to access JSON ${actual} as ${wanted}`;
  return new StatusError('INTERNAL', context === '' ? message : `${context}: ${message}`);
}

/** Each of these takes the value apart or throws StatusError INTERNAL with `<context>: attempt to access JSON …`. */
export function jsonString(value: JsonValue | undefined, context = ''): string {
  if (typeof value === 'string') return value;
  throw mismatch('non-string', 'string', context);
}

export function jsonBoolean(value: JsonValue | undefined, context = ''): boolean {
  if (typeof value === 'boolean') return value;
  throw mismatch('non-boolean', 'boolean', context);
}

export function jsonUnsigned(value: JsonValue | undefined, context = ''): number | bigint {
  if ((typeof value === 'number' || typeof value === 'bigint') && value >= 0) return value;
  throw mismatch('non-unsigned-integer', 'unsigned-integer', context);
}

export function jsonArray(value: JsonValue | undefined, context = ''): readonly JsonValue[] {
  if (Array.isArray(value)) return value;
  throw mismatch('non-array', 'array', context);
}

export function jsonObject(value: JsonValue | undefined, context = ''): JsonObject {
  if (value instanceof JsonObject) return value;
  throw mismatch('non-object', 'object', context);
}

/** True for an integer that fits a signed 64-bit number. */
export function isJsonInt64(value: JsonValue | undefined): value is number | bigint {
  return typeof value === 'number' || (typeof value === 'bigint' && value <= MAX_INT64);
}

/** `object[name]`, undefined where `object` is no object or has no such member. */
export function jsonMember(object: JsonValue | undefined, name: string): JsonValue | undefined {
  return object instanceof JsonObject ? object.get(name) : undefined;
}

/** Like `jsonMember`; throws StatusError INTERNAL when it is missing. */
export function jsonRequiredMember(object: JsonValue | undefined, name: string, context = ''): JsonValue {
  const value = jsonMember(object, name);
  if (value !== undefined) return value;
  const message = `attempt to access non-existing object member '${name}'`;
  throw new StatusError('INTERNAL', context === '' ? message : `${context}: ${message}`);
}

/** A string as C sees it: up to the first U+0000. Names, ids and string parameters end there in Triton. */
export function cString(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
