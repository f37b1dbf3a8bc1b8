import { ENDPOINT_FLAGS } from './endpoint-flags.ts';
import { GRPC_FLAGS } from './grpc-flags.ts';
import { type Flag, FlagError } from './kinds.ts';
import { RESOURCE_FLAGS } from './resource-flags.ts';
import { SECURITY_FLAGS } from './security-flags.ts';
import { SERVING_FLAGS } from './serving-flags.ts';

/** Every flag of `nereid serve`, by name. */
export const SERVE_FLAGS = {
  ...SERVING_FLAGS,
  ...ENDPOINT_FLAGS,
  ...GRPC_FLAGS,
  ...RESOURCE_FLAGS,
  ...SECURITY_FLAGS,
} as const;

type Flags = typeof SERVE_FLAGS;
export type FlagName = keyof Flags;

/** The value of every flag. */
export type FlagValues = { readonly [Name in FlagName]: Flags[Name] extends Flag<infer Value> ? Value : never };

export interface ParsedFlags {
  readonly values: FlagValues;
  /** Flags that were given, not defaulted. */
  readonly given: ReadonlySet<FlagName>;
  /** About flags that are deprecated. */
  readonly warnings: readonly string[];
  readonly help: boolean;
}

/**
 * Reads a command line as getopt_long does: `--name=value` and `--name value`, names may be shortened as long as they stay unambiguous, `--`
 * ends the flags. Throws FlagError with the text tritonserver prints.
 */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const values = new Map<FlagName, unknown>(names().map((name) => [name, SERVE_FLAGS[name].default]));
  const given = new Set<FlagName>();
  const warnings: string[] = [];
  const unexpected: string[] = [];
  let help = false;
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    if (argument === '--') {
      unexpected.push(...args.slice(index + 1));
      break;
    }
    if (argument === '-h') {
      help = true;
      continue;
    }
    if (!argument.startsWith('-') || argument === '-') {
      unexpected.push(argument);
      continue;
    }
    const { name, inline } = splitArgument(argument);
    if (name === 'help') {
      help = true;
      continue;
    }
    const row: Flag<unknown> = SERVE_FLAGS[name] as Flag<unknown>;
    const text = flagText(name, row, inline, args[index + 1]);
    if (inline === undefined && row.kind.argument !== undefined) index += 1;
    values.set(name, parseValue(name, row, text, values.get(name)));
    given.add(name);
    if (row.deprecated !== undefined) warnings.push(row.deprecated(text));
  }
  if (unexpected[0] !== undefined && !help) throw new FlagError(`Unexpected argument: ${unexpected[0]}`);
  return { values: Object.fromEntries(values) as FlagValues, given, warnings, help };
}

export function names(): FlagName[] {
  return Object.keys(SERVE_FLAGS) as FlagName[];
}

function splitArgument(argument: string): { name: FlagName | 'help'; inline: string | undefined } {
  if (!argument.startsWith('--')) throw new FlagError(`nereid serve: unrecognized option '${argument}'`);
  const equals = argument.indexOf('=');
  const written = argument.slice(2, equals < 0 ? undefined : equals);
  const inline = equals < 0 ? undefined : argument.slice(equals + 1);
  const known: (FlagName | 'help')[] = [...names(), 'help'];
  const exact = known.find((name) => name === written);
  if (exact !== undefined) return { name: exact, inline };
  const candidates = written === '' ? [] : known.filter((name) => name.startsWith(written));
  if (candidates[0] !== undefined && candidates.length === 1) return { name: candidates[0], inline };
  if (candidates.length === 0) throw new FlagError(`nereid serve: unrecognized option '${argument}'`);
  const possible = candidates.map((name) => `'--${name}'`).join(' ');
  throw new FlagError(`nereid serve: option '--${written}' is ambiguous; possibilities: ${possible}`);
}

function flagText(name: FlagName, row: Flag<unknown>, inline: string | undefined, next: string | undefined): string {
  if (row.kind.argument === undefined) {
    if (inline !== undefined) throw new FlagError(`nereid serve: option '--${name}' doesn't allow an argument`);
    return '';
  }
  const text = inline ?? next;
  if (text === undefined) throw new FlagError(`nereid serve: option '--${name}' requires an argument`);
  return text;
}

function parseValue(name: FlagName, row: Flag<unknown>, text: string, previous: unknown): unknown {
  try {
    return row.kind.parse(text, previous, name);
  } catch (error) {
    if (error instanceof FlagError) throw new FlagError(`Bad option: "--${name}".\n${error.message}`);
    throw error;
  }
}
