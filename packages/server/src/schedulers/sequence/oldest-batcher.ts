import type { ModelSignature, ScheduledRequest } from '../../inference/index.ts';
import { batchCompatibility } from '../dynamic-batch/compatibility.ts';
import { type BatchFeeder, DynamicBatchScheduler } from '../dynamic-batch/scheduler.ts';
import type { BatchExtras, Executors } from '../instance-pool.ts';
import type { SequencePolicy, SequenceStrategy } from './policy.ts';
import { freshMemory, type SequenceRow, sequenceExtras, statesFit } from './rows.ts';
import { type SequenceItem, SequenceSlot, type SlotBatcher, type SlotOwner } from './slot.ts';

interface Issued {
  readonly slot: SequenceSlot;
  readonly item: SequenceItem;
  readonly row: SequenceRow;
}

/**
 * The oldest strategy on one instance: every sequence has at most one request in a dynamic batcher of the instance's own; the oldest requests
 * of all candidate sequences run together.
 */
export class OldestBatcher implements SlotBatcher, BatchFeeder {
  readonly slots: readonly SequenceSlot[];
  readonly #policy: SequencePolicy;
  readonly #owner: SlotOwner;
  readonly #batcher: DynamicBatchScheduler;
  /** Requests that are in the dynamic batcher or executing. */
  readonly #issued = new Map<ScheduledRequest, Issued>();
  readonly #busySlots = new Set<SequenceSlot>();

  constructor(
    policy: SequencePolicy,
    strategy: Extract<SequenceStrategy, { kind: 'oldest' }>,
    signature: ModelSignature,
    executors: Executors,
    owner: SlotOwner,
    startAfter: number,
  ) {
    this.#policy = policy;
    this.#owner = owner;
    this.slots = Array.from({ length: policy.slotsPerInstance }, (_, index) => new SequenceSlot(index, this));
    const sameShapes = batchCompatibility(signature);
    this.#batcher = new DynamicBatchScheduler(strategy.batching, signature, executors, {
      startAfter,
      feeder: this,
      compatible: (first, next) => sameShapes?.(first, next) !== false && this.#statesFit(first, next),
    });
  }

  notify(slot: SequenceSlot): void {
    while (!this.#busySlots.has(slot) && slot.correlationId !== undefined) {
      const item = slot.queue.peek();
      if (item === undefined) {
        if (!slot.forceEnd) return;
        this.#owner.release(slot);
      } else if (item.request.request.cancellation.cancelled) {
        this.#owner.cancel(slot);
      } else {
        slot.queue.shift();
        if (item.start || slot.memory === undefined) slot.memory = freshMemory(this.#policy);
        this.#busySlots.add(slot);
        this.#issued.set(item.request, { slot, item, row: { ...item, memory: slot.memory } });
        // Released first: the next sequence may take the slot, but waits for this request to be over.
        if (item.end) this.#owner.release(slot);
        this.#batcher.enqueue(item.request);
      }
    }
  }

  extras(requests: readonly ScheduledRequest[]): BatchExtras {
    return sequenceExtras(
      this.#policy,
      requests.map((request) => this.#issued.get(request)?.row),
    );
  }

  over(requests: readonly ScheduledRequest[]): void {
    if (!this.#policy.iterative) this.#owner.over(requests.length);
    for (const request of requests) {
      const issued = this.#issued.get(request);
      if (issued === undefined) continue;
      this.#issued.delete(request);
      this.#busySlots.delete(issued.slot);
      if (this.#policy.iterative) this.#owner.iterated(issued.item);
      this.notify(issued.slot);
    }
  }

  #statesFit(first: ScheduledRequest, next: ScheduledRequest): boolean {
    const a = this.#issued.get(first);
    const b = this.#issued.get(next);
    return a === undefined || b === undefined || statesFit(a.row.memory, b.row.memory);
  }
}
