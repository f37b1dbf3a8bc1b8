/** A flag that cannot be used as it was given. `message` is Triton's text where Triton has one. */
export class FlagError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FlagError';
  }
}

/** How the text after a flag becomes a value. */
export interface FlagKind<Value> {
  /** What help shows after the flag's name; undefined for a flag without an argument. */
  readonly argument: string | undefined;
  /** `previous` is the value so far: the default, or that of an earlier use of the same flag. Throws FlagError. */
  parse(text: string, previous: Value, flagName: string): Value;
}

export type FlagGroup =
  | 'Server'
  | 'Logging'
  | 'Model Repository'
  | 'HTTP'
  | 'GRPC'
  | 'SageMaker'
  | 'Vertex AI'
  | 'Metrics'
  | 'Tracing'
  | 'Backend'
  | 'Repository Agent'
  | 'Response Cache'
  | 'Rate Limiter'
  | 'Memory and devices'
  | 'Shared Memory'
  | 'Security'
  | 'Nereid'
  | 'Deprecated';

/** One row of the table that drives parsing, `--help` and docs/cli.md. */
export interface Flag<Value> {
  readonly group: FlagGroup;
  readonly kind: FlagKind<Value>;
  readonly default: Value;
  readonly help: string;
  /** Shown as the default when the value itself does not say it well. */
  readonly defaultText?: string;
  /** Why the flag is accepted and means nothing here. */
  readonly ignored?: string;
  /** Printed as a warning when the flag is used. */
  readonly deprecated?: (text: string) => string;
}

/** Keeps each row's value type. */
export function flag<const Value>(row: Flag<Value>): Flag<Value> {
  return row;
}

const INT32_MAX = 2 ** 31 - 1;

/** A decimal integer within bounds; Triton's messages for text that is none and for one out of bounds. */
export function parseInteger(text: string, minimum = -INT32_MAX - 1, maximum = INT32_MAX): number {
  if (!/^\s*[+-]?\d+$/.test(text)) throw new FlagError(`Invalid option value. Got ${text}`);
  const value = Number(text);
  if (value < minimum || value > maximum) throw new FlagError(`Provided option value is out of bound. Got ${text}`);
  return value;
}

export function integer(minimum?: number, maximum?: number): FlagKind<number> {
  return { argument: '<integer>', parse: (text) => parseInteger(text, minimum, maximum) };
}

/** A byte size; exact up to 2^53. */
export const BYTE_SIZE: FlagKind<number> = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

/** A TCP port; 0 lets the system choose one, and the log says which. */
export const PORT: FlagKind<number> = integer(0, 65_535);

export const FLOAT: FlagKind<number> = {
  argument: '<float>',
  parse(text) {
    const value = Number(text);
    if (text.trim() === '' || Number.isNaN(value)) throw new FlagError(`Invalid option value. Got ${text}`);
    return value;
  },
};

export const STRING: FlagKind<string> = { argument: '<string>', parse: (text) => text };

export const NON_EMPTY_STRING: FlagKind<string> = {
  argument: '<string>',
  parse(text, _previous, flagName) {
    if (text === '') throw new FlagError(`Error: empty argument for --${flagName}`);
    return text;
  },
};

/** A regular expression; '' for none. */
export const PATTERN: FlagKind<string> = {
  argument: '<regular expression>',
  parse(text, _previous, flagName) {
    try {
      new RegExp(text, 'i');
    } catch (error) {
      throw new FlagError(`Error: --${flagName} is no regular expression: ${(error as Error).message}`);
    }
    return text;
  },
};

/** A directory that may be given several times; '' would be the one the command was started in. */
export const DIRECTORIES: FlagKind<readonly string[]> = {
  argument: '<string>',
  parse: (text, previous, flagName) => STRINGS.parse(NON_EMPTY_STRING.parse(text, '', flagName), previous, flagName),
};

/** A string that may be given several times. */
export const STRINGS: FlagKind<readonly string[]> = {
  argument: '<string>',
  parse: (text, previous) => (previous.includes(text) ? previous : [...previous, text]),
};

/** true, on, 1, false, off or 0, in any case. */
export const BOOLEAN: FlagKind<boolean> = { argument: '<boolean>', parse: (text) => parseBoolean(text) };

function parseBoolean(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'on' || lower === '1') return true;
  if (lower === 'false' || lower === 'off' || lower === '0') return false;
  throw new FlagError(`invalid value for bool option: ${text}`);
}

/** A boolean that need not be given: what is true without it depends on other flags. */
export const OPTIONAL_BOOLEAN: FlagKind<boolean | undefined> = {
  argument: '<boolean>',
  parse: (text) => parseBoolean(text),
};

/** Set by its presence. */
export const SWITCH: FlagKind<boolean> = { argument: undefined, parse: () => true };

/** `--log-verbose` takes a level, or true and false for 1 and 0. */
export const VERBOSE_LEVEL: FlagKind<number> = {
  argument: '<integer>',
  parse(text) {
    const lower = text.toLowerCase();
    if (lower === 'true') return 1;
    if (lower === 'false') return 0;
    return parseInteger(text);
  },
};

/** An integer with Triton's message when it is not above zero. */
export function aboveZero(kind: FlagKind<number>): FlagKind<number> {
  return {
    argument: kind.argument,
    parse(text, previous, flagName) {
      const value = kind.parse(text, previous, flagName);
      if (value <= 0) throw new FlagError(`Error: --${flagName} must be greater than 0.`);
      return value;
    },
  };
}

/** One of a few words. Compared in lower case unless the words themselves have capitals. */
export function oneOf<Word extends string>(...words: readonly Word[]): FlagKind<Word> {
  return oneOfNamed(undefined, ...words);
}

/** As `oneOf`; the message names the flag as `shownName`. */
export function oneOfNamed<Word extends string>(
  shownName: string | undefined,
  ...words: readonly Word[]
): FlagKind<Word> {
  return {
    argument: `<${words.join('|')}>`,
    parse(text, _previous, flagName) {
      const found = words.find((word) => word === text) ?? words.find((word) => word === text.toLowerCase());
      if (found === undefined) throw new FlagError(`invalid argument for --${shownName ?? flagName}`);
      return found;
    },
  };
}

/** `<number><delimiter><number>` */
export function numberPair(delimiter: string): FlagKind<readonly [number, number] | undefined> {
  return {
    argument: `<integer>${delimiter}<integer>`,
    parse(text) {
      const at = text.indexOf(delimiter);
      if (at < 0) {
        throw new FlagError(
          `Cannot parse pair option due to incorrect number of inputs.--<pair option> argument requires format <first>${delimiter}<second>. Found: ${text}`,
        );
      }
      return [FLOAT.parse(text.slice(0, at), 0, ''), FLOAT.parse(text.slice(at + delimiter.length), 0, '')];
    },
  };
}
