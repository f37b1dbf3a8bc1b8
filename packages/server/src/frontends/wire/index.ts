export type { Frontend } from './frontend.ts';
export { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts';
export type { ListenAddress, ListenOptions } from './listener.ts';
export type { ApiCategory, Restrictions } from './restrictions.ts';
