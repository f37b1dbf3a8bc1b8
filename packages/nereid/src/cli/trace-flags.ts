import type { TraceLevel, TraceSettings } from '@nereid/server';
import {
  FlagError,
  type FlagValues,
  parseInteger,
  type TraceFlagSetting,
  traceLevel,
  traceMode,
} from './flags/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of the batches in which spans are sent, with their start values, in the order in which Triton lists them. */
const BATCH_SETTINGS: readonly (readonly [setting: string, value: string])[] = [
  ['bsp_max_export_batch_size', '512'],
  ['bsp_schedule_delay', '5000'],
  ['bsp_max_queue_size', '2048'],
];
const MAX_UINT32 = 2 ** 32 - 1;

/** Trace settings as `--trace-config` and the older flags give them, the newer winning. Throws FlagError. */
export function traceSettings(values: FlagValues, environment: Environment): TraceSettings {
  const settings = {
    levels: values['trace-level'].map(traceLevel),
    rate: values['trace-rate'],
    count: values['trace-count'],
    logFrequency: values['trace-log-frequency'],
    file: values['trace-file'],
    mode: 'triton' as TraceSettings['mode'],
  };
  for (const { setting, value } of ofMode(values, '')) {
    named(setting, () => {
      if (setting === 'level') settings.levels.push(traceLevel(value));
      else if (setting === 'rate') settings.rate = parseInteger(value);
      else if (setting === 'count') settings.count = parseInteger(value);
      else if (setting === 'mode') settings.mode = traceMode(value);
    });
  }
  if (settings.mode === 'triton') {
    for (const { setting, value } of ofMode(values, 'triton')) {
      if (setting === 'file') settings.file = value;
      else if (setting === 'log-frequency') {
        settings.logFrequency = named(`triton,${setting}`, () => parseInteger(value));
      }
    }
  }
  const openTelemetry = settings.mode === 'triton' ? new Map() : openTelemetrySettings(values, environment);
  return { ...settings, levels: chosenLevels(settings.levels), openTelemetry };
}

/** What loses against `--trace-config`, or means nothing in the mode that is asked for. */
export function traceWarnings(values: FlagValues, given: ReadonlySet<string>, mode: TraceSettings['mode']): string[] {
  const warnings: string[] = [];
  const overridden = (settings: readonly TraceFlagSetting[], names: readonly string[]) => {
    for (const { setting } of settings) {
      if (!names.includes(setting) || !given.has(`trace-${setting}`)) continue;
      const provided = setting === 'rate' ? 'rate value' : setting;
      warnings.push(`Overriding deprecated '--trace-${setting}' in favor of provided ${provided} in --trace-config!`);
    }
  };
  overridden(ofMode(values, ''), ['rate', 'level', 'count']);
  if (mode === 'triton') {
    overridden(ofMode(values, 'triton'), ['file', 'log-frequency']);
    return warnings;
  }
  for (const flag of ['trace-file', 'trace-log-frequency']) {
    if (given.has(flag))
      warnings.push(`'--${flag}' is deprecated and will be ignored with opentelemetry tracing mode.`);
  }
  return warnings;
}

function ofMode(values: FlagValues, mode: TraceFlagSetting['mode']): TraceFlagSetting[] {
  return values['trace-config'].filter((each) => each.mode === mode);
}

/** OFF among them turns tracing off. */
function chosenLevels(levels: readonly (TraceLevel | undefined)[]): TraceLevel[] {
  return levels.includes(undefined) ? [] : [...new Set(levels.filter((level) => level !== undefined))];
}

/** What was given, then what the environment or nobody says of the batches. */
function openTelemetrySettings(values: FlagValues, environment: Environment): Map<string, string> {
  const settings = new Map(ofMode(values, 'opentelemetry').map(({ setting, value }) => [setting, value]));
  for (const [setting, otherwise] of BATCH_SETTINGS) {
    const value = settings.get(setting);
    if (value !== undefined) {
      settings.set(setting, String(named(`opentelemetry,${setting}`, () => parseInteger(value, 0, MAX_UINT32))));
      continue;
    }
    const variable = `OTEL_${setting.toUpperCase()}`;
    const text = environment[variable] ?? otherwise;
    settings.set(setting, String(complainAbout(variable, () => parseInteger(text, 0, MAX_UINT32))));
  }
  return settings;
}

function named<Value>(setting: string, parse: () => Value): Value {
  return complainAbout(`--trace-config ${setting}`, parse);
}

function complainAbout<Value>(subject: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new FlagError(`Bad option: "${subject}".\n${error.message}`);
  }
}
