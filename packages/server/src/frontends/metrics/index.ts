export { createMetricsFrontend, type MetricsFrontendOptions } from './server.ts';
