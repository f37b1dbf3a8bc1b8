export { IdentityService } from './identity-service.ts';
export { jsonFailure, sendJsonError } from './json-errors.ts';
export { type JsonOperation, JsonService } from './json-service.ts';
export { Frontend } from './server.ts';
export type { VerifiedBody } from './verified-body.ts';
export type { DirectService, WholeRequest, WireRequest, WireService } from './wire.ts';
