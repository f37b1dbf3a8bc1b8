import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonValue, jsonBoolean, jsonMember, jsonString, jsonUnsigned, StatusError } from '@nereid/protocol';
import type { LogSettings } from '../../observability/index.ts';
import type { FrontendContext } from '../wire/context.ts';
import { readJsonBody } from '../wire/json-body.ts';
import { jsonOutput } from '../wire/json-output.ts';
import { sendJson } from '../wire/reply.ts';

/** The log settings that `/v2/logging` shows and changes. */
export interface LogControl {
  readonly settings: LogSettings;
  configure(change: Partial<LogSettings>): void;
}

export function showLogging(res: ServerResponse, log: LogControl): void {
  const { settings } = log;
  sendJson(
    res,
    200,
    jsonOutput({
      log_file: settings.file,
      log_info: settings.infoEnabled,
      log_warning: settings.warningEnabled,
      log_error: settings.errorEnabled,
      log_verbose_level: settings.verboseLevel,
      log_format: settings.format,
    }),
  );
}

/** Settings are taken one by one, in Triton's order: those in front of a wrong one stay changed. */
export function changeLogging(
  context: FrontendContext,
  req: IncomingMessage,
  res: ServerResponse,
  log: LogControl,
): void {
  readJsonBody(context, req, res, { emptyAllowed: false }, (document) => {
    const given = (name: string): JsonValue | undefined => jsonMember(document, name) ?? undefined;
    if (given('log_file') !== undefined) {
      throw new StatusError('UNSUPPORTED', 'log file location can not be updated through network protocol');
    }
    const info = given('log_info');
    if (info !== undefined) log.configure({ infoEnabled: jsonBoolean(info) });
    const warning = given('log_warning');
    if (warning !== undefined) log.configure({ warningEnabled: jsonBoolean(warning) });
    const error = given('log_error');
    if (error !== undefined) log.configure({ errorEnabled: jsonBoolean(error) });
    const level = given('log_verbose_level');
    if (level !== undefined) log.configure({ verboseLevel: toInt32(jsonUnsigned(level)) });
    const format = given('log_format');
    if (format !== undefined) log.configure({ format: parseFormat(jsonString(format)) });
    showLogging(res, log);
  });
}

/** Triton keeps the level in 32 bits. */
function toInt32(value: number | bigint): number {
  return Number(BigInt.asIntN(32, BigInt(value)));
}

function parseFormat(format: string): LogSettings['format'] {
  if (format === 'default' || format === 'ISO8601') return format;
  throw new StatusError('UNAVAILABLE', `invalid argument for --log_format, got: ${format}`);
}
