export type { ModelConfig } from './config/index.ts';
export { type TraceLevel, type TraceSettings, TraceSettingsStore } from './frontends/http/index.ts';
export type {
  IndexEntry,
  InferenceRequest,
  InferenceResponse,
  InferenceServer,
  Logger,
  ModelHandle,
  ModelSignature,
  TensorSignature,
} from './inference/index.ts';
export { type LogSettings, ServerLogger } from './observability/index.ts';
export type { RepositoryOptions, VersionStatus } from './repository/index.ts';
export { ModelServer, type ServerOptions } from './server.ts';
