import type { ElementType } from '../format/index.ts';

/** An arithmetic expression as DALI writes it into `expression_desc`. */
export type Expression =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'constant'; readonly index: number; readonly type: ElementType }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[] };

/** DALI's names of constant types. */
const CONSTANT_TYPES: Readonly<Record<string, ElementType>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FLOAT16',
  float: 'FLOAT',
  float32: 'FLOAT',
  float64: 'FLOAT64',
  double: 'FLOAT64',
};
const MAX_LENGTH = 64 * 1024;
const MAX_DEPTH = 64;

/** Text that is not an expression; `position` counts characters from 0. */
export class ExpressionError extends Error {
  constructor(text: string, position: number, expected: string) {
    super(`expression "${text.slice(0, 200)}": ${expected} expected at character ${position}`);
    this.name = 'ExpressionError';
  }
}

/** Parses `name(sub sub ...)`, `&i` (input i) and `$i:type` (the i-th constant of its kind). Throws ExpressionError. */
export function parseExpression(text: string): Expression {
  if (text.length > MAX_LENGTH) throw new ExpressionError(text, MAX_LENGTH, 'the end');
  const parser = new Parser(text);
  const expression = parser.expression(0);
  parser.end();
  return expression;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expression(depth: number): Expression {
    if (depth > MAX_DEPTH) throw this.#fail(`at most ${MAX_DEPTH} nested calls`);
    if (this.#accept('&')) return { kind: 'input', index: this.#number() };
    if (this.#accept('$')) return this.#constant();
    const name = this.#match(/[A-Za-z_][A-Za-z0-9_]*/y, 'a function, an input "&i" or a constant "$i:type"');
    if (!this.#accept('(')) throw this.#fail('"("');
    const operands: Expression[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#accept(')')) return { kind: 'call', name, operands };
      operands.push(this.expression(depth + 1));
    }
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#fail('the end');
  }

  #constant(): Expression {
    const index = this.#number();
    if (!this.#accept(':')) throw this.#fail('":"');
    const name = this.#match(/[a-z0-9]+/y, 'a type');
    const type = Object.hasOwn(CONSTANT_TYPES, name) ? CONSTANT_TYPES[name] : undefined;
    if (type === undefined) throw this.#fail(`a known type instead of "${name}"`);
    return { kind: 'constant', index, type };
  }

  #number(): number {
    return Number(this.#match(/\d{1,6}/y, 'a number'));
  }

  #accept(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw this.#fail(expected);
    this.#at += found.length;
    return found;
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === ',') this.#at += 1;
  }

  #fail(expected: string): ExpressionError {
    return new ExpressionError(this.#text, this.#at, expected);
  }
}
