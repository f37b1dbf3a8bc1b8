export {
  DEFAULT_LOG_SETTINGS,
  type LogFormat,
  type LogSettings,
  ServerLogger,
  type ServerLoggerOptions,
} from './logger.ts';
export { type FailureReason, StatisticsRecorder, type SuccessTimes } from './statistics-recorder.ts';
