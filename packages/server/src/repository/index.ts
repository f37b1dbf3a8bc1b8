export { inspectRepository } from './inspection/inspect.ts';
export { renderEnsembleGraph } from './inspection/render-graph.ts';
export type {
  EnsembleGraph,
  GraphPort,
  GraphStep,
  InspectionOptions,
  InspectionProblem,
  RepositoryInspection,
} from './inspection/types.ts';
export type { RepositoryLimits } from './limits.ts';
export { ModelRepositoryManager, type VersionStatus } from './manager.ts';
export type { ModelControlMode, RepositoryOptions } from './options.ts';
export type { LoadedVersion, ModelLabels, VersionLoader } from './version-loader.ts';
