import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { type ModelConfig, ModelConfigSchema } from '@nereid/protocol/model-config';
import { TextLocations } from './locations.ts';
import {
  type Fields,
  isSet,
  newMessage,
  putMapEntry,
  putValue,
  scalarDefault,
  setOneofMember,
} from './message-fields.ts';
import { ConfigTextError, type TextProblem } from './problem.ts';
import { Tokenizer } from './tokenizer.ts';
import { Abort, ValueReader } from './values.ts';

export interface TextLimits {
  /** Messages in one configuration: inputs, steps, map entries … */
  readonly maxMessages: number;
  /** Values in one configuration. */
  readonly maxValues: number;
}

export const DEFAULT_TEXT_LIMITS: TextLimits = { maxMessages: 200_000, maxValues: 1_000_000 };

const OPENING = ['{', '<', '['];
const CLOSING = ['}', '>', ']'];

/** Problems that are reported for one text; the rest would only repeat them. */
const MAX_PROBLEMS = 100;

export interface ParsedConfig {
  readonly config: ModelConfig;
  readonly locations: TextLocations;
}

/**
 * Parses a ModelConfig in protobuf text format (UTF-8) by libprotobuf's rules: unknown fields, singular fields given twice and two members
 * of one oneof are errors; the last entry of a map key wins.
 * @throws ConfigTextError with libprotobuf's positions and messages
 */
export function parseModelConfigText(text: Uint8Array | string, limits: TextLimits = DEFAULT_TEXT_LIMITS): ModelConfig {
  return new Parser(text, limits, undefined).parse();
}

/**
 * As `parseModelConfigText`, and notes where each field stands. It goes on after a field or an enumeration value that there is not, and after a field
 * that is given twice, so that the error tells all of them.
 */
export function parseModelConfigWithLocations(
  text: Uint8Array | string,
  limits: TextLimits = DEFAULT_TEXT_LIMITS,
): ParsedConfig {
  const locations = new TextLocations();
  return { config: new Parser(text, limits, locations).parse(), locations };
}

class Parser {
  readonly #limits: TextLimits;
  /** Undefined while nobody asks for positions, and inside map values, whose entry's position stands for them. */
  #locations: TextLocations | undefined;
  readonly #goesOn: boolean;
  readonly #problems: TextProblem[] = [];
  readonly #tokens: Tokenizer;
  readonly #values: ValueReader;
  readonly #fieldsByName = new Map<DescMessage, ReadonlyMap<string, DescField>>();
  #messageCount = 0;
  #valueCount = 0;

  constructor(text: Uint8Array | string, limits: TextLimits, locations: TextLocations | undefined) {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    this.#limits = limits;
    this.#locations = locations;
    this.#goesOn = locations !== undefined;
    this.#tokens = new Tokenizer(bytes, (line, column, message) => this.#report(line, column, message));
    this.#values = new ValueReader(
      this.#tokens,
      (message) => this.#fail(message),
      (message) => this.#mistake(message),
    );
  }

  parse(): ModelConfig {
    const root = newMessage(ModelConfigSchema);
    try {
      this.#tokens.next();
      while (this.#tokens.type !== 'end') this.#field(root, ModelConfigSchema);
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
    }
    if (this.#problems.length > 0) throw new ConfigTextError(this.#problems);
    return root as unknown as ModelConfig;
  }

  #report(line: number, column: number, message: string): void {
    this.#problems.push({ line: line + 1, column: column + 1, message });
    if (this.#problems.length >= MAX_PROBLEMS) throw new Abort();
  }

  #fail(message: string): Abort {
    this.#report(this.#tokens.line, this.#tokens.column, message);
    return new Abort();
  }

  /** A mistake after which the rest of the text can still be read. */
  #mistake(message: string): void {
    this.#report(this.#tokens.line, this.#tokens.column, message);
    if (!this.#goesOn) throw new Abort();
  }

  #consume(symbol: string): void {
    if (!this.#tokens.isSymbol(symbol)) throw this.#fail(`Expected "${symbol}", found "${this.#tokens.text}".`);
    this.#tokens.next();
  }

  #tryConsume(symbol: string): boolean {
    if (!this.#tokens.isSymbol(symbol)) return false;
    this.#tokens.next();
    return true;
  }

  #field(message: Fields, desc: DescMessage): void {
    const position = this.#tokens.position;
    const field = this.#fieldName(message, desc);
    if (field === undefined) {
      this.#skipField();
      return;
    }
    if (field.message || field.fieldKind === 'map') this.#tryConsume(':');
    else this.#consume(':');

    const isRepeated = field.fieldKind === 'list' || field.fieldKind === 'map';
    if (isRepeated && this.#tryConsume('[')) {
      if (!this.#tryConsume(']')) {
        do this.#value(message, field, this.#tokens.position);
        while (!this.#listEnd());
      }
    } else {
      this.#value(message, field, position);
    }
    if (!this.#tryConsume(';')) this.#tryConsume(',');
  }

  #listEnd(): boolean {
    if (this.#tryConsume(']')) return true;
    this.#consume(',');
    return false;
  }

  /** Undefined for a field that there is not. */
  #fieldName(message: Fields, desc: DescMessage): DescField | undefined {
    if (this.#tryConsume('[')) this.#refuseExtension(desc);
    const name = this.#values.identifier();
    const field = this.#fields(desc).get(name);
    if (!field) {
      this.#mistake(`Message type "${desc.typeName}" has no field named "${name}".`);
      return undefined;
    }
    if (isSet(message, field)) this.#mistake(`Non-repeated field "${name}" is specified multiple times.`);
    const other = setOneofMember(message, field);
    if (other) {
      const also = `is specified along with field "${other.name}", another member of oneof "${field.oneof?.name}".`;
      this.#mistake(`Field "${name}" ${also}`);
    }
    return field;
  }

  /** The rest of a field that nobody knows: a colon, and a value, a message or a list, however deep. */
  #skipField(): void {
    this.#tryConsume(':');
    let depth = 0;
    do {
      if (this.#tokens.type === 'end') throw this.#fail('Expected "}", found "".');
      if (OPENING.some((symbol) => this.#tokens.isSymbol(symbol))) depth += 1;
      else if (CLOSING.some((symbol) => this.#tokens.isSymbol(symbol))) depth -= 1;
      // A minus belongs to the number after it.
      else if (this.#tokens.isSymbol('-')) this.#tokens.next();
      const { type } = this.#tokens;
      this.#tokens.next();
      if (type === 'string') while (this.#tokens.type === 'string') this.#tokens.next();
    } while (depth > 0);
    if (!this.#tryConsume(';')) this.#tryConsume(',');
  }

  #refuseExtension(desc: DescMessage): never {
    const parts = [this.#values.identifier()];
    while (this.#tryConsume('.')) parts.push(this.#values.identifier());
    this.#consume(']');
    const name = parts.join('.');
    throw this.#fail(`Extension "${name}" is not defined or is not an extension of "${desc.typeName}".`);
  }

  #fields(desc: DescMessage): ReadonlyMap<string, DescField> {
    let fields = this.#fieldsByName.get(desc);
    if (!fields) {
      fields = new Map(desc.fields.map((field) => [field.name, field]));
      this.#fieldsByName.set(desc, fields);
    }
    return fields;
  }

  #value(message: Fields, field: DescField, position: { line: number; column: number }): void {
    if (field.fieldKind === 'map') {
      const key = this.#mapEntry(message, field);
      this.#locations?.enter([field.name, { key }], position);
      this.#locations?.leave(2);
      return;
    }
    const index = field.fieldKind === 'list' ? [(message[field.localName] as unknown[]).length] : [];
    this.#locations?.enter([field.name, ...index], position);
    putValue(message, field, this.#read(field));
    this.#locations?.leave(1 + index.length);
  }

  #read(field: DescField): unknown {
    if (field.message) return this.#message(field.message);
    this.#countValue();
    if (field.enum) return this.#values.enumeration(field.enum, field.name);
    return this.#values.scalar(field.scalar as ScalarType, field.name);
  }

  #message(desc: DescMessage): Fields {
    const message = newMessage(desc);
    this.#body(() => this.#field(message, desc));
    return message;
  }

  /** `{ … }` or `< … >`; `member` reads one field. */
  #body(member: () => void): void {
    this.#messageCount += 1;
    if (this.#messageCount > this.#limits.maxMessages) {
      throw this.#fail(`Too many messages, the limit is ${this.#limits.maxMessages}.`);
    }
    const end = this.#tryConsume('<') ? '>' : '}';
    if (end === '}') this.#consume('{');
    while (!this.#tokens.isSymbol('>') && !this.#tokens.isSymbol('}')) member();
    this.#consume(end);
  }

  /** One `{ key: … value: … }`. Returns the key as text. */
  #mapEntry(message: Fields, field: MapField): string {
    const locations = this.#locations;
    this.#locations = undefined;
    const entry: { key?: unknown; value?: unknown } = {};
    this.#body(() => this.#mapEntryField(entry, field));
    this.#locations = locations;
    const key = String(entry.key ?? scalarDefault(field.mapKey));
    putMapEntry(
      message,
      field,
      key,
      entry.value ?? (field.message ? newMessage(field.message) : scalarDefault(mapScalar(field))),
    );
    return key;
  }

  #mapEntryField(entry: { key?: unknown; value?: unknown }, field: MapField): void {
    const name = this.#values.identifier();
    if (name !== 'key' && name !== 'value') {
      throw this.#fail(`Message type "${entryTypeName(field)}" has no field named "${name}".`);
    }
    if (entry[name] !== undefined) throw this.#fail(`Non-repeated field "${name}" is specified multiple times.`);
    if (name === 'value' && field.message) {
      this.#tryConsume(':');
      entry.value = this.#message(field.message);
    } else {
      this.#consume(':');
      this.#countValue();
      entry[name] = this.#values.scalar(name === 'key' ? field.mapKey : mapScalar(field), name);
    }
    if (!this.#tryConsume(';')) this.#tryConsume(',');
  }

  #countValue(): void {
    this.#valueCount += 1;
    if (this.#valueCount > this.#limits.maxValues) {
      throw this.#fail(`Too many values, the limit is ${this.#limits.maxValues}.`);
    }
  }
}

type MapField = DescField & { fieldKind: 'map' };

/** The scalar type of a map's values; the schema has no map of enums. */
function mapScalar(field: MapField): ScalarType {
  return field.scalar ?? ScalarType.INT32;
}

/** The name protoc gives the message behind a map field: `input_map` -> `InputMapEntry`. */
function entryTypeName(field: MapField): string {
  const words = field.name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${field.parent.typeName}.${words.join('')}Entry`;
}
