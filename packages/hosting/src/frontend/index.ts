export { Frontend } from './server.ts';
export { IdentityService } from './identity-service.ts';
export { JsonService, type JsonOperation } from './json-service.ts';
export { jsonFailure, sendJsonError } from './json-errors.ts';
export type { VerifiedBody } from './verified-body.ts';
export type { WireRequest, WireService } from './wire.ts';
