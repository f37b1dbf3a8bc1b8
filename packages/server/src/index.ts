export {
  type ModelConfig,
  modelConfigToJson,
  modelConfigToText,
  parseModelConfigJson,
  parseModelConfigText,
} from './config/index.ts';
export {
  type ModelFiles,
  type SagemakerServe,
  SagemakerServeError,
  sagemakerServeFlags,
  sagemakerSettings,
} from './frontends/index.ts';
export type { InferenceServer, Logger } from './inference/index.ts';
export { type LogSettings, ServerLogger, type TraceLevel, type TraceSettings } from './observability/index.ts';
export {
  type EnsembleGraph,
  type InspectionProblem,
  type RepositoryInspection,
  type RepositoryOptions,
  renderEnsembleGraph,
  type VersionStatus,
} from './repository/index.ts';
export { checkRepositories, ModelServer, type ServerOptions } from './server.ts';
