export { answerWithError, answerWithOutputs, resultResponse } from './answer.ts';
export { BatchIo } from './batch-io.ts';
export { monotonicNs } from './clock.ts';
export type { OutputPart } from './scatter.ts';
