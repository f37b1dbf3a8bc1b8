import { type Clock, type ModelSignature, type ScheduledRequest, Timer } from '../../inference/index.ts';
import { DrainLoop } from '../drain-loop.ts';
import type { Compatibility } from '../dynamic-batch/batch-former.ts';
import { batchCompatibility } from '../dynamic-batch/compatibility.ts';
import { type Executors, InstancePool } from '../instance-pool.ts';
import { planDirectBatch } from './direct-plan.ts';
import { NullRequest } from './null-request.ts';
import type { SequencePolicy, SequenceStrategy } from './policy.ts';
import { freshMemory, type SequenceRow, sequenceExtras, statesFit } from './rows.ts';
import { type SequenceItem, SequenceSlot, type SlotBatcher, type SlotOwner } from './slot.ts';

/** The direct strategy on one instance (`executors` has one): a sequence keeps its position in the batch from its first to its last request. */
export class DirectBatcher implements SlotBatcher {
  readonly slots: readonly SequenceSlot[];
  readonly #policy: SequencePolicy;
  readonly #strategy: Extract<SequenceStrategy, { kind: 'direct' }>;
  readonly #owner: SlotOwner;
  readonly #clock: Clock;
  readonly #compatible: Compatibility | undefined;
  readonly #loop: DrainLoop;
  readonly #pool: InstancePool;
  readonly #timer: Timer;
  #executing: readonly SequenceItem[] = [];

  constructor(
    policy: SequencePolicy,
    strategy: Extract<SequenceStrategy, { kind: 'direct' }>,
    signature: ModelSignature,
    executors: Executors,
    owner: SlotOwner,
  ) {
    this.#policy = policy;
    this.#strategy = strategy;
    this.#owner = owner;
    this.#clock = executors.clock;
    this.#compatible = batchCompatibility(signature);
    this.slots = Array.from({ length: policy.slotsPerInstance }, (_, index) => new SequenceSlot(index, this));
    this.#loop = new DrainLoop(() => this.#dispatchNext(), this.#clock);
    this.#timer = new Timer(executors.clock, () => this.#loop.kick());
    this.#pool = new InstancePool(executors, () => {
      const executed = this.#executing;
      this.#executing = [];
      if (policy.iterative) for (const item of executed) owner.iterated(item);
      else owner.over(executed.length);
      this.#loop.kick();
    });
  }

  notify(): void {
    this.#loop.kick();
  }

  #dispatchNext(): boolean {
    if (!this.#pool.hasIdle || this.#owner.isHolding) return false;
    for (const slot of this.slots) this.#freeIfOver(slot);
    const nowNs = this.#clock.nowNs();
    const decision = planDirectBatch(
      this.slots.map(({ queue }) => queue.peek()),
      nowNs,
      this.#strategy,
    );
    this.#timer.set(decision.kind === 'wait' ? decision.untilNs : Number.POSITIVE_INFINITY, nowNs);
    if (decision.kind !== 'run' || !this.#pool.acquire()) return false;
    this.#run(decision.slotCount);
    return true;
  }

  #freeIfOver(slot: SequenceSlot): void {
    while (slot.correlationId !== undefined) {
      const head = slot.queue.peek();
      if (head === undefined ? slot.forceEnd : false) this.#owner.release(slot);
      else if (head?.request.request.cancellation.cancelled) this.#owner.cancel(slot);
      else return;
    }
  }

  #run(slotCount: number): void {
    const taken = this.#takeHeads(slotCount);
    const live = taken.find((item) => item !== undefined);
    if (live === undefined) return;
    const rows: (SequenceRow | undefined)[] = [];
    const requests: ScheduledRequest[] = [];
    for (const [index, item] of taken.entries()) {
      const slot = this.slots[index]!;
      if (item === undefined) {
        rows.push(undefined);
        requests.push(new NullRequest(live.request));
        continue;
      }
      rows.push({ ...item, memory: slot.memory! });
      requests.push(item.request);
      if (item.end) this.#owner.release(slot);
    }
    this.#executing = taken.filter((item) => item !== undefined);
    this.#pool.execute(requests, requests.length, sequenceExtras(this.#policy, rows));
  }

  /** The next request of each slot that fits with the first one; the others wait for the next execution. */
  #takeHeads(slotCount: number): (SequenceItem | undefined)[] {
    let first: { readonly item: SequenceItem; readonly slot: SequenceSlot } | undefined;
    return this.slots.slice(0, slotCount).map((slot) => {
      const item = slot.queue.peek();
      if (item === undefined) return undefined;
      if (item.start || slot.memory === undefined) slot.memory = freshMemory(this.#policy);
      if (first !== undefined) {
        if (this.#compatible?.(first.item.request, item.request) === false) return undefined;
        if (!statesFit(first.slot.memory!, slot.memory)) return undefined;
      }
      first ??= { item, slot };
      slot.queue.shift();
      return item;
    });
  }
}
