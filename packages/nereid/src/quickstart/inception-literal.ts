const MAX_DEPTH = 100;

/** Text that is not the literal it should be; `position` counts characters from the start of the text. */
export class LiteralError extends Error {
  constructor(problem: string, position: number) {
    super(`JavaScript literal: ${problem} at character ${position}`);
    this.name = 'LiteralError';
  }
}

/**
 * Reads the JavaScript literal that starts at `start`: objects (keys with or without quotes), arrays, strings in double quotes, numbers, null, and the
 * booleans as minifiers write them (`!0`, `!1`). Nothing is executed; anything else is a LiteralError.
 */
export function parseLiteral(text: string, start: number): unknown {
  return new LiteralReader(text, start).value(0);
}

const KEY = /[A-Za-z_$][\w$]*|\d+/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const NUMBER = /-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const WORDS: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['!0', true],
  ['!1', false],
];

class LiteralReader {
  readonly #text: string;
  #position: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#position = start;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new LiteralError(`nested deeper than ${MAX_DEPTH}`, this.#position);
    if (this.#take('{')) return this.#object(depth);
    if (this.#take('[')) return this.#list(depth);
    const string = this.#match(STRING);
    if (string !== undefined) return JSON.parse(string);
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number);
    const word = WORDS.find(([name]) => this.#take(name));
    if (word !== undefined) return word[1];
    throw new LiteralError(
      `unexpected ${JSON.stringify(this.#text.slice(this.#position, this.#position + 12))}`,
      this.#position,
    );
  }

  #object(depth: number): Record<string, unknown> {
    // Without a prototype, so that a key like __proto__ is a key.
    const members: Record<string, unknown> = Object.create(null);
    if (this.#take('}')) return members;
    do {
      const quoted = this.#match(STRING);
      const key = quoted === undefined ? this.#match(KEY) : (JSON.parse(quoted) as string);
      if (key === undefined || !this.#take(':')) throw new LiteralError('expected a key', this.#position);
      members[key] = this.value(depth + 1);
    } while (this.#take(','));
    if (!this.#take('}')) throw new LiteralError('expected , or }', this.#position);
    return members;
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = [];
    if (this.#take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.#take(','));
    if (!this.#take(']')) throw new LiteralError('expected , or ]', this.#position);
    return items;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#position)) return false;
    this.#position += token.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    this.#position += found?.length ?? 0;
    return found;
  }
}
