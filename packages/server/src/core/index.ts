export type { ModelVersion } from './model-version.ts';
export type { CoreOptions, VersionStore } from './options.ts';
