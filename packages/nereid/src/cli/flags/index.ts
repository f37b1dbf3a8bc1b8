export { FlagError, parseInteger } from './kinds.ts';
export { type FlagName, type FlagValues, type ParsedFlags, parseFlags } from './parse.ts';
export { renderFlagTables, renderHelp } from './reference.ts';
export type { RateLimitResource, RestrictedCategory, Restrictions, Settings } from './settings.ts';
export { type TraceFlagSetting, traceLevel, traceMode } from './trace-settings.ts';
