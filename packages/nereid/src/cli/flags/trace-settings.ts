import { FlagError, type FlagKind } from './kinds.ts';

export type TraceMode = 'triton' | 'opentelemetry';

/** One `--trace-config`: a setting of traces as a whole (`mode` is ''), or of one mode. */
export interface TraceFlagSetting {
  readonly mode: TraceMode | '';
  readonly setting: string;
  readonly value: string;
}

const FORMAT = '<trace mode>,<setting>=<value>';

/** `[<mode>,]<setting>=<value>`, given any number of times; each counts, in order. */
export const TRACE_SETTINGS: FlagKind<readonly TraceFlagSetting[]> = {
  argument: '<string>,<string>=<string>',
  parse(text, previous, flagName) {
    const comma = text.indexOf(',');
    const equals = text.indexOf('=', comma + 1);
    if (comma === 0) {
      throw new FlagError(
        `No trace mode specified. --${flagName} option format is ${FORMAT} or <setting>=<value>. Got ${text}`,
      );
    }
    const mode = comma < 0 ? '' : traceMode(text.slice(0, comma));
    const setting = text.slice(comma + 1, Math.max(equals, 0));
    const value = text.slice(equals + 1);
    if (equals < 0 || setting === '' || value === '') {
      throw new FlagError(`--${flagName} option format is '${FORMAT}'. Got ${text}`);
    }
    return [...previous, { mode, setting, value }];
  },
};

/** Throws FlagError with Triton's text for a mode that does not exist. */
export function traceMode(text: string): TraceMode {
  const mode = text.toLowerCase();
  if (mode === 'triton' || mode === 'opentelemetry') return mode;
  throw new FlagError(
    `invalid value for trace mode option: ${mode}. Available options are "triton" and "opentelemetry"`,
  );
}

/** `--trace-level`, given any number of times. */
export const TRACE_LEVELS: FlagKind<readonly string[]> = {
  argument: '<string>',
  parse(text, previous) {
    traceLevel(text);
    return [...previous, text];
  },
};

/** Undefined for OFF. Throws FlagError with Triton's text for what is no level. */
export function traceLevel(text: string): 'TIMESTAMPS' | 'TENSORS' | undefined {
  const level = text.toLowerCase();
  switch (level) {
    case 'false':
    case 'off':
      return undefined;
    case 'true':
    case 'on':
    case 'min':
    case 'max':
    case 'timestamps':
      return 'TIMESTAMPS';
    case 'tensors':
      return 'TENSORS';
    default:
      throw new FlagError(`invalid value for trace level option: ${level}`);
  }
}
