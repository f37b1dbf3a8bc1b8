export { type AnswerHeads, bodyLength, type DirectAnswer } from './answer.ts';
export type { DirectCaller } from './connection.ts';
export { DirectLane } from './lane.ts';
export type { DirectHead, DirectRules } from './request-head.ts';
