export { type Denial, GUARDED_APIS, type GuardedApi, type RequestGate } from './gate.ts';
export { TokenGate, type TokenGateOptions } from './token-gate.ts';
