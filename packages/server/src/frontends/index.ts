export {
  type CompressionLevel,
  createGrpcFrontend,
  type GrpcFrontendOptions,
  type GrpcLimits,
  type KeepAliveOptions,
  type TlsOptions,
} from './grpc/index.ts';
export {
  createHttpFrontend,
  DEFAULT_TRACE_SETTINGS,
  type HttpFrontendOptions,
  type LogControl,
  type TraceChange,
  type TraceControl,
  type TraceLevel,
  type TraceSettings,
  TraceSettingsStore,
} from './http/index.ts';
export { createMetricsFrontend, type MetricsFrontendOptions } from './metrics/index.ts';
export {
  createSagemakerFrontend,
  type Environment,
  type InferenceType,
  type ModelFiles,
  type SagemakerFrontendOptions,
  type SagemakerServe,
  SagemakerServeError,
  type SagemakerSettings,
  sagemakerServeFlags,
  sagemakerSettings,
} from './sagemaker/index.ts';
export {
  type ApiCategory,
  DEFAULT_HTTP_LIMITS,
  type Frontend,
  type HttpLimits,
  type ListenAddress,
  type ListenOptions,
  type Restrictions,
} from './wire/index.ts';
