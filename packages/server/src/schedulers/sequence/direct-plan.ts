/** What waits first in a slot; undefined for an empty one. */
export type SlotHead = { readonly sinceNs: number } | undefined;

export type DirectDecision =
  /** Run slots 0 to `slotCount` - 1. */
  | { readonly kind: 'run'; readonly slotCount: number }
  | { readonly kind: 'wait'; readonly untilNs: number }
  | { readonly kind: 'empty' };

/**
 * Decides whether an idle instance runs its slots now. Slots keep their position in the batch, so everything up to the highest slot with a
 * request runs. With a minimum utilization and a delay it waits for more slots until the oldest request's delay is over.
 */
export function planDirectBatch(
  heads: readonly SlotHead[],
  nowNs: number,
  options: { readonly maxDelayNs: number; readonly minimumUtilization: number },
): DirectDecision {
  let slotCount = 0;
  let ready = 0;
  let oldestNs = Number.POSITIVE_INFINITY;
  for (const [index, head] of heads.entries()) {
    if (head === undefined) continue;
    ready++;
    slotCount = index + 1;
    if (head.sinceNs < oldestNs) oldestNs = head.sinceNs;
  }
  if (ready === 0) return { kind: 'empty' };
  const { maxDelayNs, minimumUtilization } = options;
  const waits = maxDelayNs > 0 && minimumUtilization > 0 && ready / heads.length < minimumUtilization;
  return waits && nowNs - oldestNs < maxDelayNs
    ? { kind: 'wait', untilNs: oldestNs + maxDelayNs }
    : { kind: 'run', slotCount };
}
