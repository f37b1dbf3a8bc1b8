import { type CorrelationId, Fifo, type ScheduledRequest } from '../../inference/index.ts';
import type { SequenceMemory } from './rows.ts';

/** A request with its place in its sequence. */
export interface SequenceItem {
  readonly request: ScheduledRequest;
  readonly correlationId: CorrelationId;
  readonly start: boolean;
  readonly end: boolean;
  /** When it came, monotonic nanoseconds. */
  readonly sinceNs: number;
}

/** A place in an instance's batches that one sequence has at a time. */
export class SequenceSlot {
  readonly index: number;
  readonly batcher: SlotBatcher;
  /** Requests of the sequence that wait for their execution. */
  queue = new Fifo<SequenceItem>();
  /** Undefined while no sequence has the slot. */
  correlationId: CorrelationId | undefined;
  /** The sequence was idle too long: the slot is free once the queue is empty. */
  forceEnd = false;
  memory: SequenceMemory | undefined;

  constructor(index: number, batcher: SlotBatcher) {
    this.index = index;
    this.batcher = batcher;
  }
}

/** Turns what waits in an instance's slots into batches. */
export interface SlotBatcher {
  /** Something changed in a slot. */
  notify(slot: SequenceSlot): void;
}

/** Gives slots to sequences; the other side of `SlotBatcher`. */
export interface SlotOwner {
  /** True while TRITONSERVER_DELAY_SCHEDULER holds everything back. */
  readonly isHolding: boolean;
  /** The slot's sequence is over; the next one of the backlog, if there is one, has the slot when this returns. */
  release(slot: SequenceSlot): void;
  /** Answers everything in the slot with CANCELLED and releases it. */
  cancel(slot: SequenceSlot): void;
  /** Requests were answered for good, or refused. */
  over(count: number): void;
  /** A request of an iterative sequence was executed: it runs again, or its sequence is over. */
  iterated(item: SequenceItem): void;
}
