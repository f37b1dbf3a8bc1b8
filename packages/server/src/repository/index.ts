export type { RepositoryLimits } from './limits.ts';
export { ModelRepositoryManager, type VersionStatus } from './manager.ts';
export type { ModelControlMode, RepositoryOptions } from './options.ts';
export type { LoadedVersion, ModelLabels, VersionLoader } from './version-loader.ts';
