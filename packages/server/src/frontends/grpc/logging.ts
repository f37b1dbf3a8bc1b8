import { StatusError } from '@nereid/protocol';
import { GRPCInferenceService, type LogSettingsRequest_SettingValue } from '@nereid/protocol/grpc-service';
import type { LogSettings } from '../../observability/index.ts';
import type { LogControl } from '../http/index.ts';
import { type GrpcMethod, unaryMethod } from './method.ts';

type Settings = Readonly<Record<string, LogSettingsRequest_SettingValue>>;

/** Shows and changes the log settings. */
export function loggingMethods(log: LogControl): GrpcMethod[] {
  return [
    unaryMethod(GRPCInferenceService.method.logSettings, 'logging', ({ settings }) => {
      change(log, settings);
      return { settings: describe(log.settings) };
    }),
  ];
}

/** Settings are taken one by one, in Triton's order: those in front of a wrong one stay changed. Unknown ones are not looked at. */
function change(log: LogControl, settings: Settings): void {
  if (Object.hasOwn(settings, 'log_file')) {
    throw new StatusError('UNSUPPORTED', 'log file location can not be updated through network protocol');
  }
  const info = flag(settings, 'log_info');
  if (info !== undefined) log.configure({ infoEnabled: info });
  const warning = flag(settings, 'log_warning');
  if (warning !== undefined) log.configure({ warningEnabled: warning });
  const error = flag(settings, 'log_error');
  if (error !== undefined) log.configure({ errorEnabled: error });
  const level = choiceOf(settings, 'log_verbose_level');
  if (level !== undefined) {
    if (level.case !== 'uint32Param') throw invalid("expect int32 for 'log_verbose_level'");
    log.configure({ verboseLevel: level.value | 0 });
  }
  const format = choiceOf(settings, 'log_format');
  if (format !== undefined) {
    if (format.case !== 'stringParam') throw invalid("expect string for 'log_format'");
    log.configure({ format: parseFormat(format.value) });
  }
}

function choiceOf(settings: Settings, name: string): LogSettingsRequest_SettingValue['parameterChoice'] | undefined {
  return Object.hasOwn(settings, name) ? settings[name]!.parameterChoice : undefined;
}

function flag(settings: Settings, name: string): boolean | undefined {
  const choice = choiceOf(settings, name);
  if (choice === undefined) return undefined;
  if (choice.case !== 'boolParam') throw invalid(`expect boolean for '${name}'`);
  return choice.value;
}

function parseFormat(format: string): LogSettings['format'] {
  if (format === 'default' || format === 'ISO8601') return format;
  throw invalid(`invalid argument for log_format, got: ${format}`);
}

function describe(settings: LogSettings) {
  const flagValue = (value: boolean) => ({ parameterChoice: { case: 'boolParam' as const, value } });
  const text = (value: string) => ({ parameterChoice: { case: 'stringParam' as const, value } });
  return {
    log_file: text(settings.file),
    log_info: flagValue(settings.infoEnabled),
    log_warning: flagValue(settings.warningEnabled),
    log_error: flagValue(settings.errorEnabled),
    log_verbose_level: { parameterChoice: { case: 'uint32Param' as const, value: settings.verboseLevel >>> 0 } },
    log_format: text(settings.format),
  };
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
