import type { Tensor } from '@nereid/protocol';
import type { CorrelationId } from '../inference/index.ts';
import type { ByteCounter } from './admission.ts';
import type { Plan } from './plan.ts';

/** Where a request belongs in a sequence; steps may change it for the steps behind them. */
export interface SequencePosition {
  readonly correlationId: CorrelationId;
  readonly start: boolean;
  readonly end: boolean;
}

/**
 * The tensors of one iteration of an ensemble request. A request has one iteration; each further response of a decoupled step opens
 * another one.
 */
export class Frame {
  readonly iteration: number;
  /** undefined: not there yet, or read by everybody. null: absent. */
  readonly #values: (Tensor | null | undefined)[];
  readonly #batchSizes: number[];
  readonly #positions: (SequencePosition | undefined)[];
  /** Per tensor: absent because the step that writes it was skipped. */
  readonly #skipped: Uint8Array;
  readonly #readers: Int32Array;
  readonly #waits: Int32Array;
  readonly #plan: Plan;
  readonly #counter: ByteCounter;
  #outputsMissing: number;
  #bytes = 0;
  #closed = false;

  constructor(iteration: number, plan: Plan, counter: ByteCounter) {
    this.iteration = iteration;
    this.#counter = counter;
    this.#plan = plan;
    this.#values = new Array(plan.readers.length).fill(undefined);
    this.#batchSizes = new Array(plan.readers.length).fill(0);
    this.#positions = new Array(plan.readers.length).fill(undefined);
    this.#skipped = new Uint8Array(plan.readers.length);
    this.#readers = plan.readers.slice();
    this.#waits = plan.waits.slice();
    this.#outputsMissing = plan.outputCount;
  }

  get isComplete(): boolean {
    return this.#outputsMissing === 0;
  }

  /** Puts a tensor in and adds the steps that now have all of theirs to `ready`. */
  set(
    tensor: number,
    value: Tensor | null,
    batchSize: number,
    position: SequencePosition | undefined,
    ready: number[],
  ): void {
    if (this.#plan.readers[tensor] === 0) return;
    this.#values[tensor] = value;
    if (value !== null) this.#count(value.data.byteLength);
    this.#batchSizes[tensor] = batchSize;
    this.#positions[tensor] = position;
    if (this.#plan.isOutput[tensor] === 1) this.#outputsMissing--;
    for (const step of this.#plan.consumers[tensor]!) {
      if (--this.#waits[step]! === 0) ready.push(step);
    }
  }

  /** As `set` for a tensor of a step that does not run. */
  skip(tensor: number, ready: number[]): void {
    this.#skipped[tensor] = 1;
    this.set(tensor, null, 0, undefined, ready);
  }

  isSkipped(tensor: number): boolean {
    return this.#skipped[tensor] === 1;
  }

  value(tensor: number): Tensor | null {
    return this.#values[tensor] ?? null;
  }

  /** Batch size of what produced the tensor, 0 for a model without a batch dimension. */
  batchSize(tensor: number): number {
    return this.#batchSizes[tensor]!;
  }

  /** Set when a step wrote the tensor. */
  position(tensor: number): SequencePosition | undefined {
    return this.#positions[tensor];
  }

  /** One reader is done with it; the last one lets the memory go. */
  release(tensor: number): void {
    if (this.#closed) return;
    if (--this.#readers[tensor]! > 0) return;
    const value = this.#values[tensor];
    if (value) this.#count(-value.data.byteLength);
    this.#values[tensor] = undefined;
  }

  /** Nothing of this iteration is needed any more. */
  close(): void {
    this.#closed = true;
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#counter.bytes += bytes;
  }
}
