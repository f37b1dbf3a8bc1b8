export type { LogControl } from './logging.ts';
export type { Frontend } from '../wire/index.ts';
export { createHttpFrontend, type HttpFrontendOptions } from './server.ts';
export {
  DEFAULT_TRACE_SETTINGS,
  type TraceChange,
  type TraceControl,
  type TraceLevel,
  type TraceSettings,
  TraceSettingsStore,
} from './trace-control.ts';
