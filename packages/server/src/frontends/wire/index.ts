export type { Frontend } from './frontend.ts';
export type { HttpLimits } from './limits.ts';
export type { ListenAddress, ListenOptions } from './listener.ts';
export type { ApiCategory, Restrictions } from './restrictions.ts';
