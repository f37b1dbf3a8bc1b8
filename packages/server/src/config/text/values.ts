import { type DescEnum, ScalarType } from '@bufbuild/protobuf';
import { decodeStringLiteral } from './string-literal.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Stops the parser; the problem was reported already. */
export class Abort extends Error {}

/** Longest integer worth converting: 64 bits in octal, with room for zeros in front. */
const MAX_INTEGER_DIGITS = 64;
const MAX_INT32 = 0x7fffffffn;
const MAX_UINT32 = 0xffffffffn;
const MAX_INT64 = 0x7fffffffffffffffn;
const MAX_UINT64 = 0xffffffffffffffffn;

/** Reads field values, one kind at a time, with libprotobuf's rules and messages. */
export class ValueReader {
  readonly #tokens: Tokenizer;
  readonly #fail: (message: string) => Abort;
  readonly #mistake: (message: string) => void;

  /** `mistake` may return: what follows the value can be read all the same. */
  constructor(tokens: Tokenizer, fail: (message: string) => Abort, mistake: (message: string) => void) {
    this.#tokens = tokens;
    this.#fail = fail;
    this.#mistake = mistake;
  }

  scalar(type: ScalarType, fieldName: string): string | number | bigint | boolean {
    switch (type) {
      case ScalarType.INT32:
        return Number(this.#signed(MAX_INT32));
      case ScalarType.UINT32:
        return Number(this.#unsigned(MAX_UINT32));
      case ScalarType.INT64:
        return this.#signed(MAX_INT64);
      case ScalarType.UINT64:
        return this.#unsigned(MAX_UINT64);
      case ScalarType.FLOAT:
        return Math.fround(this.#double());
      case ScalarType.DOUBLE:
        return this.#double();
      case ScalarType.BOOL:
        return this.#bool(fieldName);
      case ScalarType.STRING:
        return this.#string();
      default:
        throw this.#fail(`Field "${fieldName}" has a type that this parser does not know.`);
    }
  }

  enumeration(desc: DescEnum, fieldName: string): number {
    if (this.#tokens.type === 'identifier') {
      const name = this.identifier();
      const value = desc.values.find((candidate) => candidate.name === name);
      if (value === undefined) this.#mistake(`Unknown enumeration value of "${name}" for field "${fieldName}".`);
      return value?.number ?? 0;
    }
    if (this.#tokens.isSymbol('-') || this.#tokens.type === 'integer') return Number(this.#signed(MAX_INT32));
    throw this.#fail(`Expected integer or identifier, got: ${this.#tokens.text}`);
  }

  identifier(): string {
    if (this.#tokens.type !== 'identifier') throw this.#fail(`Expected identifier, got: ${this.#tokens.text}`);
    const name = this.#tokens.text;
    this.#tokens.next();
    return name;
  }

  #string(): string {
    if (this.#tokens.type !== 'string') throw this.#fail(`Expected string, got: ${this.#tokens.text}`);
    const parts: Uint8Array[] = [];
    while (this.#tokens.type === 'string') {
      parts.push(decodeStringLiteral(this.#tokens.raw));
      this.#tokens.next();
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  #bool(fieldName: string): boolean {
    if (this.#tokens.type === 'integer') return this.#unsigned(1n) === 1n;
    const name = this.identifier();
    if (name === 'true' || name === 'True' || name === 't') return true;
    if (name === 'false' || name === 'False' || name === 'f') return false;
    throw this.#fail(`Invalid value for boolean field "${fieldName}". Value: "${name}".`);
  }

  #minus(): boolean {
    if (!this.#tokens.isSymbol('-')) return false;
    this.#tokens.next();
    return true;
  }

  #signed(max: bigint): bigint {
    return this.#minus() ? -this.#unsigned(max + 1n) : this.#unsigned(max);
  }

  #unsigned(max: bigint): bigint {
    if (this.#tokens.type !== 'integer') throw this.#fail(`Expected integer, got: ${this.#tokens.text}`);
    const value = parseInteger(this.#tokens.raw);
    if (value === undefined || value > max) throw this.#fail(`Integer out of range (${this.#tokens.text})`);
    this.#tokens.next();
    return value;
  }

  #double(): number {
    const negative = this.#minus();
    const magnitude = this.#unsignedDouble();
    return negative ? -magnitude : magnitude;
  }

  #unsignedDouble(): number {
    const { type, text } = this.#tokens;
    if (type === 'identifier') {
      const name = text.toLowerCase();
      const value =
        name === 'nan' ? Number.NaN : name === 'inf' || name === 'infinity' ? Number.POSITIVE_INFINITY : undefined;
      if (value === undefined) throw this.#fail(`Expected double, got: ${name}`);
      this.#tokens.next();
      return value;
    }
    if (type !== 'integer' && type !== 'float') throw this.#fail(`Expected double, got: ${text}`);
    if (type === 'integer' && /^0./.test(text)) throw this.#fail(`Expect a decimal number, got: ${text}`);
    this.#tokens.next();
    return Number(text.replace(/f$/i, ''));
  }
}

function parseInteger(raw: Uint8Array): bigint | undefined {
  if (raw.length > MAX_INTEGER_DIGITS) return undefined;
  const text = String.fromCharCode(...raw);
  try {
    return BigInt(/^0[0-9]/.test(text) ? `0o${text.slice(1)}` : text);
  } catch {
    return undefined;
  }
}
