export { type LogFormat, type LogSettings, ServerLogger, type ServerLoggerOptions } from './logger.ts';
export { MetricsPage, type MetricsPageOptions } from './metrics/metrics-page.ts';
export type { ModelMetricsSource } from './metrics/model-metrics.ts';
export { type FailureReason, StatisticsRecorder, type SuccessTimes } from './statistics-recorder.ts';
