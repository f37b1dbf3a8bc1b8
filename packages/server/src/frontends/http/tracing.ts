import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonValue, jsonArray, jsonMember, jsonString, StatusError } from '@nereid/protocol';
import type { TraceControl, TraceLevel } from '../../observability/index.ts';
import type { FrontendContext } from '../wire/context.ts';
import { parseInt32 } from '../wire/integer.ts';
import { readJsonBody } from '../wire/json-body.ts';
import { jsonOutput } from '../wire/json-output.ts';
import { sendJson } from '../wire/reply.ts';

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_INT32 = 2 ** 31 - 1;
const MIN_COUNT = -1;

export function showTracing(res: ServerResponse, tracing: TraceControl, model: string): void {
  const settings = tracing.settings(model);
  const triton = settings.mode === 'triton';
  sendJson(
    res,
    200,
    jsonOutput({
      trace_level: settings.levels.length === 0 ? ['OFF'] : settings.levels,
      trace_rate: String(settings.rate),
      trace_count: String(settings.count),
      log_frequency: triton ? String(settings.logFrequency) : undefined,
      trace_file: triton ? settings.file : undefined,
      trace_mode: settings.mode,
      ...(triton ? {} : Object.fromEntries(settings.openTelemetry)),
    }),
  );
}

export function changeTracing(
  context: FrontendContext,
  req: IncomingMessage,
  res: ServerResponse,
  tracing: TraceControl,
  model: string,
): void {
  readJsonBody(context, req, res, { emptyAllowed: false }, (document) => {
    if (jsonMember(document, 'trace_file') !== undefined) {
      throw new StatusError('UNSUPPORTED', 'trace file location can not be updated through network protocol');
    }
    const levels = optional(jsonMember(document, 'trace_level'), parseLevels);
    const rate = optional(jsonMember(document, 'trace_rate'), (value) => parseNumber('trace_rate', value));
    const count = optional(jsonMember(document, 'trace_count'), parseCount);
    const logFrequency = optional(jsonMember(document, 'log_frequency'), (value) =>
      parseNumber('log_frequency', value),
    );
    tracing.update(model, {
      ...(levels === undefined ? {} : { levels }),
      ...(rate === undefined ? {} : { rate }),
      ...(count === undefined ? {} : { count }),
      ...(logFrequency === undefined ? {} : { logFrequency }),
    });
    showTracing(res, tracing, model);
  });
}

/** Absent stays undefined, null stays null. */
function optional<Value>(
  value: JsonValue | undefined,
  parse: (value: JsonValue) => Value | undefined,
): Value | null | undefined {
  return value === undefined ? undefined : value === null ? null : parse(value);
}

/** Undefined when nothing in the list is a level: the setting is left as it is then. */
function parseLevels(value: JsonValue): readonly TraceLevel[] | undefined {
  const names = jsonArray(value).map((name) => jsonString(name));
  if (names.includes('OFF')) {
    if (names.length === 1) return [];
    throw new StatusError('INVALID_ARG', "Expect only one trace level 'OFF' is specified");
  }
  const levels = (['TIMESTAMPS', 'TENSORS'] as const).filter((level) => names.includes(level));
  return levels.length === 0 ? undefined : levels;
}

function parseNumber(setting: string, value: JsonValue, minimum = 0, maximum = MAX_UINT32): number {
  const text = jsonString(value);
  const number = parseInt32(text);
  if (number === 'invalid') throw invalid(`Unable to parse '${setting}', got: ${text}`);
  if (number === 'range') {
    throw invalid(`Unable to parse '${setting}', value is out of range [ ${minimum}, ${maximum} ], got: ${text}`);
  }
  // Triton keeps these two in 32 bits without sign.
  return minimum === 0 ? number >>> 0 : number;
}

function parseCount(value: JsonValue): number {
  const count = parseNumber('trace_count', value, MIN_COUNT, MAX_INT32);
  if (count < MIN_COUNT) {
    throw invalid(`Unable to parse 'trace_count'. Expecting value >= ${MIN_COUNT}, got:${jsonString(value)}`);
  }
  return count;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
