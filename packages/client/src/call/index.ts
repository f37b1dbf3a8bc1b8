export { type CallScope, openCall } from './call-scope.ts';
export { callHeaders } from './headers.ts';
export { withRetries } from './retry.ts';
