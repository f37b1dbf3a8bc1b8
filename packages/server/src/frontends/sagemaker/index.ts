export { type Environment, type InferenceType, type SagemakerSettings, sagemakerSettings } from './environment.ts';
export { type ModelFiles, type SagemakerServe, SagemakerServeError, sagemakerServeFlags } from './serve-flags.ts';
export { createSagemakerFrontend, type SagemakerFrontendOptions } from './server.ts';
