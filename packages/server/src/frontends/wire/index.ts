export type { Frontend } from './frontend.ts';
export type { HttpLimits } from './limits.ts';
export type { HttpListenOptions, ListenAddress, ListenOptions } from './listener.ts';
export type { ApiCategory, Restrictions } from './restrictions.ts';
export type { HttpTlsOptions } from './tls.ts';
