import type { StatusError } from '@nereid/protocol';
import {
  type Clock,
  type CorrelationId,
  cancelledError,
  errorResponse,
  type Logger,
  type ModelSignature,
  type ScheduledRequest,
  type Scheduler,
  Timer,
} from '../../inference/index.ts';
import type { Executors } from '../instance-pool.ts';
import { Stopping } from '../stopping.ts';
import { Backlog } from './backlog.ts';
import { DirectBatcher } from './direct-batcher.ts';
import {
  backlogTimeoutError,
  batchSizeError,
  missingIdError,
  missingStartError,
  sequenceStoppingError,
} from './errors.ts';
import { OldestBatcher } from './oldest-batcher.ts';
import type { SequencePolicy } from './policy.ts';
import type { SequenceItem, SequenceSlot, SlotOwner } from './slot.ts';

export interface SequenceSchedulerParts {
  readonly policy: SequencePolicy;
  readonly signature: ModelSignature;
  readonly executors: Executors;
  readonly log: Logger;
  /** TRITONSERVER_DELAY_SCHEDULER: hold everything back, once, until this many requests wait in slots. */
  readonly startAfter?: number;
  /** TRITONSERVER_BACKLOG_DELAY_SCHEDULER: … and this many in the backlog. */
  readonly startAfterBacklog?: number;
}

/**
 * The scheduler of a model with `sequence_batching`. Requests with one correlation id are a sequence and run in order on one instance, in the
 * slot the sequence has from its START to its END. Sequences without a slot wait in the backlog.
 */
export class SequenceScheduler implements Scheduler, SlotOwner {
  readonly #policy: SequencePolicy;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Slots by the sequence that has them and takes more requests. */
  readonly #sequences = new Map<CorrelationId, SequenceSlot>();
  /** Sorted so that the lowest position of all instances comes last. */
  readonly #freeSlots: SequenceSlot[];
  readonly #slots: readonly SequenceSlot[];
  readonly #backlog = new Backlog();
  /** When each open sequence had its latest request; the one that was quiet longest comes first. */
  readonly #lastRequestNs = new Map<CorrelationId, number>();
  readonly #timer: Timer;
  readonly #stopping = new Stopping(() => this.#inflight);
  #inflight = 0;
  #startAfter: number;
  readonly #startAfterBacklog: number;
  #iterations = 0n;

  constructor(parts: SequenceSchedulerParts) {
    const { policy, signature, executors, log } = parts;
    const { clock } = executors;
    const { strategy } = policy;
    this.#policy = policy;
    this.#clock = clock;
    this.#log = log;
    const startAfter = parts.startAfter ?? 0;
    this.#startAfter = strategy.kind === 'direct' ? startAfter : 0;
    this.#startAfterBacklog = parts.startAfterBacklog ?? 0;
    this.#timer = new Timer(clock, () => this.#onTimer());
    const batchers = executors.instances.map((instance) => {
      const own = { ...executors, instances: [instance] };
      return strategy.kind === 'direct'
        ? new DirectBatcher(policy, strategy, signature, own, this)
        : new OldestBatcher(policy, strategy, signature, own, this, startAfter);
    });
    this.#slots = batchers.flatMap((batcher) => batcher.slots);
    // Stable: slot 0 of every instance before slot 1 of any.
    this.#freeSlots = this.#slots.toSorted((a, b) => a.index - b.index).reverse();
  }

  get inflightCount(): number {
    return this.#inflight;
  }

  get pendingCount(): number {
    return this.#backlog.requestCount;
  }

  get isHolding(): boolean {
    return this.#startAfter > 0;
  }

  enqueue(request: ScheduledRequest): void {
    const item = this.#admit(request);
    const { correlationId } = item;
    const slot = this.#sequences.get(correlationId);
    const known = slot !== undefined || this.#backlog.has(correlationId);
    if (!item.start && !known) throw missingStartError(this.#policy.modelName, correlationId);
    if (item.start && known) {
      this.#log.warning(
        `sequence ${correlationId} for model '${this.#policy.modelName}' has a conflict. The previous sequence did not end before this sequence start. Previous sequence will be terminated early.`,
      );
    }
    request.queuedNs = item.sinceNs;
    this.#inflight++;
    this.#touch(item);
    if (slot !== undefined) this.#pushTo(slot, item);
    else if (this.#backlog.has(correlationId)) this.#backlog.push(item);
    else this.#begin(item);
    this.#startIfEnough();
    this.#setTimer(item.sinceNs);
  }

  stop(): Promise<void> {
    const stopped = this.#stopping.request();
    this.#start();
    this.#setTimer(this.#clock.nowNs());
    return stopped;
  }

  release(slot: SequenceSlot): void {
    const { correlationId } = slot;
    if (correlationId !== undefined && this.#sequences.get(correlationId) === slot) {
      this.#sequences.delete(correlationId);
      this.#lastRequestNs.delete(correlationId);
    }
    slot.correlationId = undefined;
    slot.forceEnd = false;
    slot.memory = undefined;
    for (let next = this.#backlog.shift(); next !== undefined; next = this.#backlog.shift()) {
      const { sequence, isOpen } = next;
      if (hasCancelled(sequence.queue)) {
        this.#refuseAll(sequence.queue, cancelledError());
        if (isOpen) this.#lastRequestNs.delete(sequence.correlationId);
        continue;
      }
      slot.correlationId = sequence.correlationId;
      slot.queue = sequence.queue;
      if (isOpen) this.#sequences.set(sequence.correlationId, slot);
      return;
    }
    this.#giveBack(slot);
  }

  cancel(slot: SequenceSlot): void {
    this.#refuseAll(slot.queue, cancelledError());
    this.release(slot);
  }

  over(count: number): void {
    this.#inflight -= count;
    this.#stopping.check();
    if (this.#stopping.requested) this.#setTimer(this.#clock.nowNs());
  }

  iterated(item: SequenceItem): void {
    const { request, correlationId } = item;
    const slot = this.#sequences.get(correlationId);
    if (request.rescheduled !== true) {
      // The sequence is over, whether or not its client said so.
      if (slot !== undefined) this.#end(correlationId, slot);
      this.over(1);
      return;
    }
    request.rescheduled = false;
    const sinceNs = this.#clock.nowNs();
    const again = { request, correlationId, start: false, end: false, sinceNs };
    if (slot === undefined) {
      request.respond(errorResponse(request, missingStartError(this.#policy.modelName, correlationId)), true);
      this.over(1);
      return;
    }
    request.queuedNs = sinceNs;
    this.#touch(again);
    this.#pushTo(slot, again);
    this.#setTimer(sinceNs);
  }

  #admit(request: ScheduledRequest): SequenceItem {
    const { modelName, iterative } = this.#policy;
    const { correlationId, sequenceStart, sequenceEnd } = request.request;
    if (request.batchSize > 1) throw batchSizeError(modelName);
    const sinceNs = this.#clock.nowNs();
    if (this.#stopping.requested && (iterative || sequenceStart || this.#inflight === 0)) throw sequenceStoppingError();
    const hasId = correlationId !== 0n && correlationId !== '';
    if (!hasId && !iterative) throw missingIdError(modelName);
    const item = hasId
      ? { request, correlationId, start: sequenceStart, end: sequenceEnd, sinceNs }
      : { request, correlationId: this.#nextIteration(), start: true, end: false, sinceNs };
    if (iterative) request.reschedule = () => this.#reschedule(item);
    return item;
  }

  /** Ids for sequences that clients give none; one that a client uses now is left out. */
  #nextIteration(): bigint {
    do this.#iterations++;
    while (this.#sequences.has(this.#iterations) || this.#backlog.has(this.#iterations));
    return this.#iterations;
  }

  #reschedule({ request, correlationId }: SequenceItem): void {
    if (!this.#sequences.has(correlationId)) throw missingStartError(this.#policy.modelName, correlationId);
    request.rescheduled = true;
  }

  #touch({ correlationId, end, sinceNs }: SequenceItem): void {
    this.#lastRequestNs.delete(correlationId);
    if (!end) this.#lastRequestNs.set(correlationId, sinceNs);
  }

  /** Gives a new sequence a slot, or a place in the backlog. */
  #begin(item: SequenceItem): void {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) {
      this.#backlog.push(item);
      return;
    }
    slot.correlationId = item.correlationId;
    this.#sequences.set(item.correlationId, slot);
    this.#pushTo(slot, item);
  }

  #pushTo(slot: SequenceSlot, item: SequenceItem): void {
    if (item.end) this.#sequences.delete(item.correlationId);
    slot.queue.push(item);
    slot.batcher.notify(slot);
  }

  #giveBack(slot: SequenceSlot): void {
    const { length } = this.#freeSlots;
    let place = length;
    while (place > 0 && this.#freeSlots[place - 1]!.index < slot.index) place--;
    this.#freeSlots.splice(place, 0, slot);
  }

  #refuseAll(queue: SequenceSlot['queue'], error: StatusError): void {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      item.request.respond(errorResponse(item.request, error), true);
      this.over(1);
    }
  }

  #startIfEnough(): void {
    if (!this.isHolding) return;
    const waiting = this.#backlog.requestCount;
    if (this.#inflight - waiting >= this.#startAfter && waiting >= this.#startAfterBacklog) this.#start();
  }

  #start(): void {
    if (!this.isHolding) return;
    this.#startAfter = 0;
    for (const slot of this.#slots) slot.batcher.notify(slot);
  }

  #onTimer(): void {
    const nowNs = this.#clock.nowNs();
    for (const { correlationId, queue } of this.#backlog.expire(nowNs)) {
      this.#lastRequestNs.delete(correlationId);
      this.#refuseAll(queue, backlogTimeoutError());
    }
    for (const [correlationId, lastNs] of this.#lastRequestNs) {
      if (nowNs - lastNs < this.#policy.maxIdleNs) break;
      this.#endIdle(correlationId, nowNs);
    }
    this.#setTimer(nowNs);
  }

  /** Ends a sequence that was quiet too long; one that waits for a slot is left to its timeouts. */
  #endIdle(correlationId: CorrelationId, nowNs: number): void {
    const slot = this.#sequences.get(correlationId);
    this.#lastRequestNs.delete(correlationId);
    if (slot === undefined) {
      this.#lastRequestNs.set(correlationId, nowNs);
      return;
    }
    this.#end(correlationId, slot);
  }

  /** The slot is free once what waits in it is done. */
  #end(correlationId: CorrelationId, slot: SequenceSlot): void {
    this.#lastRequestNs.delete(correlationId);
    this.#sequences.delete(correlationId);
    slot.forceEnd = true;
    slot.batcher.notify(slot);
  }

  #setTimer(nowNs: number): void {
    if (this.#stopping.requested && this.#inflight === 0) {
      // Idle sequences need no end any more, and a timer would keep the process.
      this.#timer.set(Number.POSITIVE_INFINITY, nowNs);
      return;
    }
    const [oldestNs = Number.POSITIVE_INFINITY] = this.#lastRequestNs.values();
    this.#timer.set(Math.min(oldestNs + this.#policy.maxIdleNs, this.#backlog.nextDeadlineNs), nowNs);
  }
}

function hasCancelled(queue: SequenceSlot['queue']): boolean {
  for (let index = 0; index < queue.length; index++) {
    if (queue.at(index)?.request.request.cancellation.cancelled) return true;
  }
  return false;
}
