export { createGrpcFrontend, type GrpcFrontendOptions } from './server.ts';
export type { CompressionLevel } from './transport/compression.ts';
export type { GrpcLimits } from './transport/limits.ts';
export type { KeepAliveOptions } from './transport/ping-policy.ts';
export type { TlsOptions } from './transport/tls.ts';
