import { type CorrelationId, Fifo } from '../../inference/index.ts';
import type { SequenceItem } from './slot.ts';

/** Requests of one sequence that has no slot yet. */
export interface WaitingSequence {
  readonly correlationId: CorrelationId;
  readonly queue: Fifo<SequenceItem>;
  /** When the shortest timeout of its requests ends; Infinity for none. */
  deadlineNs: number;
}

/** Sequences that wait for a slot, in the order of their first requests. */
export class Backlog {
  #waiting = new Fifo<WaitingSequence>();
  /** Those that are not ended and take more requests. */
  readonly #open = new Map<CorrelationId, WaitingSequence>();

  get requestCount(): number {
    let count = 0;
    for (let index = 0; index < this.#waiting.length; index++) count += this.#waiting.at(index)?.queue.length ?? 0;
    return count;
  }

  has(correlationId: CorrelationId): boolean {
    return this.#open.has(correlationId);
  }

  push(item: SequenceItem): void {
    let sequence = this.#open.get(item.correlationId);
    if (sequence === undefined) {
      sequence = { correlationId: item.correlationId, queue: new Fifo(), deadlineNs: Number.POSITIVE_INFINITY };
      this.#waiting.push(sequence);
      this.#open.set(item.correlationId, sequence);
    }
    sequence.queue.push(item);
    const { timeoutMicros } = item.request.request;
    if (timeoutMicros > 0) sequence.deadlineNs = Math.min(sequence.deadlineNs, item.sinceNs + timeoutMicros * 1000);
    if (item.end) this.#open.delete(item.correlationId);
  }

  /** Takes the sequence that has waited longest; `isOpen` tells whether it goes on. */
  shift(): { readonly sequence: WaitingSequence; readonly isOpen: boolean } | undefined {
    const sequence = this.#waiting.shift();
    return sequence && { sequence, isOpen: this.#close(sequence) };
  }

  /** When the next timeout ends. */
  get nextDeadlineNs(): number {
    let deadlineNs = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#waiting.length; index++) {
      deadlineNs = Math.min(deadlineNs, this.#waiting.at(index)?.deadlineNs ?? deadlineNs);
    }
    return deadlineNs;
  }

  /** Removes the sequences whose timeout has passed. */
  expire(nowNs: number): WaitingSequence[] {
    const expired = this.#waiting.extract(({ deadlineNs }) => deadlineNs <= nowNs);
    for (const sequence of expired) this.#close(sequence);
    return expired;
  }

  #close(sequence: WaitingSequence): boolean {
    const isOpen = this.#open.get(sequence.correlationId) === sequence;
    if (isOpen) this.#open.delete(sequence.correlationId);
    return isOpen;
  }
}
