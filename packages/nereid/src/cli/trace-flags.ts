import type { TraceLevel, TraceSettings } from '@nereid/server';
import { FlagError, type FlagValues } from './flags/index.ts';

/** Trace settings as `--trace-config` and the older flags give them, the newer winning. Throws FlagError. */
export function traceSettings(values: FlagValues): TraceSettings {
  const config = values['trace-config'];
  const global = config.get('') ?? new Map<string, string>();
  const triton = config.get('triton') ?? new Map<string, string>();
  for (const mode of config.keys()) if (mode !== '') parseMode(mode);
  const level = global.get('level');
  return {
    levels: parseLevels(level === undefined ? values['trace-level'] : [...values['trace-level'], level]),
    rate: number('rate', global.get('rate'), values['trace-rate']),
    count: number('count', global.get('count'), values['trace-count']),
    logFrequency: number('triton,log-frequency', triton.get('log-frequency'), values['trace-log-frequency']),
    file: triton.get('file') ?? values['trace-file'],
    mode: parseMode(global.get('mode') ?? 'triton'),
    openTelemetry: config.get('opentelemetry') ?? new Map<string, string>(),
  };
}

/** OFF among them turns tracing off. */
function parseLevels(texts: readonly string[]): TraceLevel[] {
  const levels = texts.map(parseLevel);
  return levels.includes(undefined) ? [] : [...new Set(levels.filter((level) => level !== undefined))];
}

/** Undefined for OFF. */
function parseLevel(text: string): TraceLevel | undefined {
  switch (text.toLowerCase()) {
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
      throw bad('level', `invalid value for trace level option: ${text.toLowerCase()}`);
  }
}

function parseMode(text: string): TraceSettings['mode'] {
  const mode = text.toLowerCase();
  if (mode === 'triton' || mode === 'opentelemetry') return mode;
  throw bad('mode', `invalid value for trace mode option: ${mode}. Available options are "triton" and "opentelemetry"`);
}

function number(setting: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[+-]?\d+$/.test(text)) throw bad(setting, `Invalid option value. Got ${text}`);
  return Number(text);
}

function bad(setting: string, message: string): FlagError {
  return new FlagError(`Bad option: "--trace-config ${setting}".\n${message}`);
}
