export type { Frontend } from '../wire/index.ts';
export type { LogControl } from './logging.ts';
export { createHttpFrontend, type HttpFrontendOptions } from './server.ts';
export { noCudaRegion, sharedMemoryDisabled } from './shared-memory.ts';
