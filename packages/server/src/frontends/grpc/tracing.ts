import { StatusError } from '@nereid/protocol';
import { GRPCInferenceService, type TraceSettingRequest_SettingValue } from '@nereid/protocol/grpc-service';
import type { InferenceServer } from '../../inference/index.ts';
import type { TraceChange, TraceControl, TraceLevel } from '../../observability/index.ts';
import { parseInt32 } from '../wire/integer.ts';
import { type GrpcMethod, unaryMethod } from './method.ts';

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_INT32 = 2 ** 31 - 1;
const MIN_COUNT = -1;

type Settings = Readonly<Record<string, TraceSettingRequest_SettingValue>>;

/** Shows and changes the trace settings. */
export function tracingMethods(server: InferenceServer, tracing: TraceControl): GrpcMethod[] {
  return [
    unaryMethod(GRPCInferenceService.method.traceSetting, 'trace', ({ settings, modelName }) => {
      // Triton answers with nothing when there is no such model.
      if (modelName !== '' && !isReady(server, modelName)) return {};
      if (Object.keys(settings).length > 0) tracing.update(modelName, readChange(settings));
      return { settings: describe(tracing, modelName) };
    }),
  ];
}

function isReady(server: InferenceServer, modelName: string): boolean {
  try {
    return server.isModelReady(modelName, -1);
  } catch {
    return false;
  }
}

function readChange(settings: Settings): TraceChange {
  if (Object.hasOwn(settings, 'trace_file')) {
    throw new StatusError('UNSUPPORTED', 'trace file location can not be updated through network protocol');
  }
  const levels = Object.hasOwn(settings, 'trace_level') ? readLevels(settings['trace_level']!.value) : undefined;
  const rate = readNumber(settings, 'trace_rate', 0, MAX_UINT32);
  const count = readNumber(settings, 'trace_count', MIN_COUNT, MAX_INT32);
  if (typeof count === 'number' && count < MIN_COUNT) {
    throw invalid(
      `Unable to parse 'trace_count'. Expecting value >= ${MIN_COUNT}, got: ${settings['trace_count']!.value[0]}`,
    );
  }
  const logFrequency = readNumber(settings, 'log_frequency', 0, MAX_UINT32);
  return {
    ...(levels === undefined ? {} : { levels }),
    ...(rate === undefined ? {} : { rate }),
    ...(count === undefined ? {} : { count }),
    ...(logFrequency === undefined ? {} : { logFrequency }),
  };
}

/** Null for an empty list, which clears the setting; undefined when nothing in it is a level: the setting stays as it is. */
function readLevels(names: readonly string[]): readonly TraceLevel[] | null | undefined {
  if (names.length === 0) return null;
  if (names.includes('OFF')) {
    if (names.length === 1) return [];
    throw invalid("Expect only one trace level 'OFF' is specified");
  }
  const levels = (['TIMESTAMPS', 'TENSORS'] as const).filter((level) => names.includes(level));
  return levels.length === 0 ? undefined : levels;
}

/** Undefined when the setting is not named, null when it is cleared. */
function readNumber(settings: Settings, name: string, minimum: number, maximum: number): number | null | undefined {
  if (!Object.hasOwn(settings, name)) return undefined;
  const { value: texts } = settings[name]!;
  const [text, ...more] = texts;
  if (text === undefined) return null;
  if (more.length > 0) throw invalid(`expect only 1 value for '${name}'`);
  const number = parseInt32(text);
  if (number === 'invalid') throw invalid(`Unable to parse '${name}', got: ${text}`);
  if (number === 'range') {
    throw invalid(`Unable to parse '${name}', value is out of range [ ${minimum}, ${maximum} ], got: ${text}`);
  }
  // Triton keeps what cannot be negative in 32 bits without sign.
  return minimum === 0 ? number >>> 0 : number;
}

function describe(tracing: TraceControl, model: string): Record<string, { value: string[] }> {
  const settings = tracing.settings(model);
  return {
    trace_level: { value: settings.levels.length === 0 ? ['OFF'] : [...settings.levels] },
    trace_rate: { value: [String(settings.rate)] },
    trace_count: { value: [String(settings.count)] },
    ...(settings.mode === 'triton'
      ? { log_frequency: { value: [String(settings.logFrequency)] }, trace_file: { value: [settings.file] } }
      : {}),
    trace_mode: { value: [settings.mode] },
    ...(settings.mode === 'triton' ? {} : describeOpenTelemetry(settings.openTelemetry)),
  };
}

function describeOpenTelemetry(settings: ReadonlyMap<string, string>): Record<string, { value: string[] }> {
  return Object.fromEntries([...settings].map(([name, value]) => [name, { value: [value] }]));
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
