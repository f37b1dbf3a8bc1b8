import type { ScheduledRequest } from '../../inference/index.ts';
import type { BatchingPolicy } from './policy.ts';

/** What a batch former looks at: requests in the order they are to be served, with the time they came. */
export interface QueueView {
  at(index: number): { readonly request: ScheduledRequest; readonly sinceNs: number } | undefined;
}

/** Whether `next` may run in the same execution as `first`. */
export type Compatibility = (first: ScheduledRequest, next: ScheduledRequest) => boolean;

export type BatchDecision =
  /** Run the first `count` requests, `batchSize` inferences together. */
  | { readonly kind: 'send'; readonly count: number; readonly batchSize: number }
  /** Look again at this time, or when a request arrives. */
  | { readonly kind: 'wait'; readonly untilNs: number }
  | { readonly kind: 'empty' };

const EMPTY: BatchDecision = { kind: 'empty' };

/** What a request counts in a batch; one without a batch dimension counts 1. */
export function weightOf(request: ScheduledRequest): number {
  return Math.max(1, request.batchSize);
}

/**
 * Decides what an idle instance runs next, from the queue and the time alone. Triton's rules: the longest prefix of a preferred size goes
 * first; without a delay whatever waits goes at once; with a delay it waits until the oldest request's delay is over or the batch
 * cannot grow. A request is never split, and one larger than every preferred size runs alone.
 */
export function formBatch(
  queue: QueueView,
  nowNs: number,
  policy: BatchingPolicy,
  compatible: Compatibility | undefined,
): BatchDecision {
  const first = queue.at(0);
  if (first === undefined) return EMPTY;
  const { maxBatchSize, maxPreferredSize, maxDelayNs, preferredSizes } = policy;
  let batchSize = 0;
  let count = 0;
  let preferred: { count: number; batchSize: number } | undefined;
  let cannotGrow = false;
  let oldestNs = first.sinceNs;
  for (let next: typeof first | undefined = first; next !== undefined; next = queue.at(count)) {
    const { request, sinceNs } = next;
    const weight = weightOf(request);
    if (count > 0) {
      if (batchSize + weight > maxPreferredSize) preferred ??= { count, batchSize };
      if (batchSize + weight > maxBatchSize || compatible?.(first.request, request) === false) {
        cannotGrow = true;
        break;
      }
    }
    batchSize += weight;
    count++;
    if (sinceNs < oldestNs) oldestNs = sinceNs;
    if (preferredSizes.has(batchSize)) preferred = { count, batchSize };
    if (batchSize >= maxBatchSize) break;
  }
  const overdue = maxDelayNs > 0 && nowNs - oldestNs >= maxDelayNs;
  if (preferred !== undefined && !overdue) return { kind: 'send', ...preferred };
  if (cannotGrow || batchSize >= maxPreferredSize || maxDelayNs === 0 || overdue)
    return { kind: 'send', count, batchSize };
  return { kind: 'wait', untilNs: oldestNs + maxDelayNs };
}
