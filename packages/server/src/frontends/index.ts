export { type GuardedApi, TokenGate, type TokenGateOptions } from './auth/index.ts';
export {
  type CompressionLevel,
  createGrpcFrontend,
  type GrpcFrontendOptions,
  type GrpcLimits,
  type KeepAliveOptions,
  type TlsOptions,
} from './grpc/index.ts';
export { createHttpFrontend, type HttpFrontendOptions, type LogControl } from './http/index.ts';
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
export type {
  ApiCategory,
  Frontend,
  HttpLimits,
  HttpTlsOptions,
  ListenAddress,
  ListenOptions,
  Restrictions,
} from './wire/index.ts';
