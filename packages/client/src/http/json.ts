import { JsonDouble, JsonObject, JsonReader, JsonTensorData, type JsonValue, StringTable } from '@nereid/protocol';
import { invalidResponse } from '../errors/index.ts';

/** Depth beyond which an answer is refused; Triton's deepest is a model configuration. */
const MAX_DEPTH = 100;
const decoder = new TextDecoder();

/**
 * A JSON text as plain values. Takes what Triton prints: `NaN` and `Infinity` are numbers, integers beyond 2^53 become bigints, of members
 * with one name the first wins. Throws InferenceServerError INVALID_RESPONSE.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const text = new Uint8Array(bytes.byteLength + 1);
  text.set(bytes);
  try {
    const reader = new JsonReader(text, 0, { strings: new StringTable() });
    reader.run(Number.POSITIVE_INFINITY);
    return toPlain(reader.root, 0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw invalidResponse(`${what} is no JSON: ${message} (${decoder.decode(bytes.subarray(0, 60))})`, {
      cause: error,
    });
  }
}

function toPlain(value: JsonValue, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH}`);
  if (value instanceof JsonDouble) return value.value;
  if (Array.isArray(value)) return value.map((item) => toPlain(item, depth + 1));
  if (value instanceof JsonObject) {
    const members = new Map<string, unknown>();
    value.names.forEach((name, index) => {
      if (!members.has(name)) members.set(name, toPlain(value.values[index]!, depth + 1));
    });
    return Object.fromEntries(members);
  }
  return value instanceof JsonTensorData ? null : value;
}

/** A value of an answer and where it stands; the readers throw InferenceServerError INVALID_RESPONSE when it is not what they read. */
export class Answer {
  readonly value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.#path = path;
  }

  /** A member; one that is missing has the value undefined. */
  get(name: string): Answer {
    const { value } = this;
    if (!isObject(value)) throw this.wrong('an object');
    return new Answer(Object.hasOwn(value, name) ? value[name] : undefined, `${this.#path}.${name}`);
  }

  object(): Readonly<Record<string, unknown>> {
    if (isObject(this.value)) return this.value;
    throw this.wrong('an object');
  }

  /** '' when it is missing. */
  text(): string {
    if (this.value === undefined || this.value === null) return '';
    if (typeof this.value === 'string') return this.value;
    throw this.wrong('a text');
  }

  /** 0 when it is missing. */
  number(): number {
    if (this.value === undefined || this.value === null) return 0;
    if (typeof this.value === 'number' || typeof this.value === 'bigint') return Number(this.value);
    throw this.wrong('a number');
  }

  /** Empty when it is missing. */
  list<Item>(read: (item: Answer) => Item): Item[] {
    if (this.value === undefined || this.value === null) return [];
    if (!Array.isArray(this.value)) throw this.wrong('a list');
    return this.value.map((item: unknown, index) => read(new Answer(item, `${this.#path}[${index}]`)));
  }

  /** Empty when it is missing. */
  map<Item>(read: (item: Answer) => Item): Record<string, Item> {
    if (this.value === undefined || this.value === null) return {};
    const names = Object.keys(this.object());
    return Object.fromEntries(names.map((name) => [name, read(this.get(name))]));
  }

  /** The error that says so. */
  wrong(wanted: string): Error {
    const found = Array.isArray(this.value) ? 'a list' : this.value === null ? 'null' : typeof this.value;
    return invalidResponse(`${this.#path} is ${found}, not ${wanted}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
