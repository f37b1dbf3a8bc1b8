export type { Denial, GuardedApi, RequestGate } from './gate.ts';
export { TokenGate, type TokenGateOptions } from './token-gate.ts';
