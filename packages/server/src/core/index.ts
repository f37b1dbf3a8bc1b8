export { systemClock } from './clock.ts';
export { Core } from './core.ts';
export type { ModelVersion } from './model-version.ts';
export type { CoreOptions, VersionStore } from './options.ts';
