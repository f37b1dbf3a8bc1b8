export { type LogFormat, type LogSettings, ServerLogger, type ServerLoggerOptions } from './logger.ts';
export { MetricsPage, type MetricsPageOptions } from './metrics/metrics-page.ts';
export type { ModelMetricsSource } from './metrics/model-metrics.ts';
export { StatisticsRecorder, type SuccessTimes } from './statistics-recorder.ts';
export { StepRecorder, type StepStatistics } from './step-recorder.ts';
export {
  type TraceChange,
  type TraceControl,
  type TraceLevel,
  type TraceSettings,
  TraceSettingsStore,
} from './trace/settings.ts';
export { Tracer } from './trace/tracer.ts';
