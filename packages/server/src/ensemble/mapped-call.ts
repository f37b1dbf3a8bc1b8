import { StatusError, type Tensor } from '@nereid/protocol';
import {
  cancelledError,
  type InferenceRequest,
  type InferenceResponse,
  type ParameterValue,
  type Runnable,
  type WorkQueue,
} from '../inference/index.ts';
import { type ItemLayout, itemLayout, joined, partOffsets, repeated, totalItems } from './items.ts';
import type { StepCall } from './step-call.ts';
import type { StepModel } from './step-model.ts';

/** Requests of one mapped step that are under way at a time, so that one request with many items leaves room in the model's queue. */
const MAX_CALLS = 32;

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** An input of a mapped step. */
export interface MapInput {
  /** Under the model's name for it. */
  readonly tensor: Tensor;
  /** Whether each item gets its own part of it, or all of it. */
  readonly mapped: boolean;
}

export interface MapParts {
  readonly model: StepModel;
  readonly inputs: readonly MapInput[];
  readonly outputs: readonly string[];
  readonly workQueue: WorkQueue;
  /** Makes the request for some of the items. */
  request(inputs: readonly Tensor[]): InferenceRequest;
}

/** An input cut into parts: part `n` begins at `offsets[n]`. */
interface CutInput {
  readonly tensor: Tensor;
  readonly offsets: ArrayLike<number>;
  /** Parts are the items; otherwise the rows of the batch, or all of it. */
  readonly mapped: boolean;
  /** Shape of an item. */
  readonly shape: readonly number[];
}

/**
 * A step that runs once for every item of a tensor's first dimension. The items become rows of batches where the model has a batch dimension and requests
 * of their own otherwise; parts are views of the tensor, not copies. The answers are gathered in the order of the items and handed on as one response.
 */
export class MappedCall implements Runnable {
  readonly #parts: MapParts;
  readonly #call: StepCall;
  readonly #inputs: readonly CutInput[];
  readonly #layout: ItemLayout;
  readonly #total: number;
  readonly #chunkSize: number;
  readonly #answers: (InferenceResponse | undefined)[];
  #nextItem = 0;
  #outstanding = 0;
  #queued = true;
  #error: StatusError | undefined;
  #over = false;

  /** @throws StatusError INVALID_ARG when the mapped tensors have different numbers of items */
  constructor(parts: MapParts, call: StepCall, layout: ItemLayout) {
    const { model } = parts;
    this.#parts = parts;
    this.#call = call;
    this.#layout = layout;
    this.#total = totalItems(layout);
    this.#chunkSize = Math.max(1, model.signature.maxBatchSize);
    this.#inputs = parts.inputs.map((input) => this.#cut(input));
    this.#answers = new Array(Math.ceil(this.#total / this.#chunkSize)).fill(undefined);
  }

  run(): void {
    this.#queued = false;
    // An inline model answers inside this loop: after a window the work queue gets its turn.
    for (let calls = 0; calls < MAX_CALLS && this.#mayLaunch(); calls++) this.#launch();
    if (this.#outstanding === 0 && (this.#error !== undefined || this.#nextItem >= this.#total)) this.#finish();
    else if (this.#mayLaunch()) this.#wake();
  }

  #mayLaunch(): boolean {
    return this.#error === undefined && this.#outstanding < MAX_CALLS && this.#nextItem < this.#total;
  }

  #launch(): void {
    const first = this.#nextItem;
    const end = Math.min(this.#total, first + this.#chunkSize);
    this.#nextItem = end;
    const request = this.#parts.request(this.#inputs.map((input) => this.#slice(input, first, end)));
    if (request.cancellation.cancelled) {
      this.#error = cancelledError();
      return;
    }
    this.#outstanding++;
    try {
      this.#parts.model.infer(request, (response, final) => {
        if (response?.error !== undefined) this.#error ??= response.error;
        else if (response !== undefined) this.#answers[Math.floor(first / this.#chunkSize)] = response;
        if (final) this.#answered();
      });
    } catch (error) {
      request.account?.failed('REJECTED');
      this.#error ??= StatusError.from(error);
      this.#answered();
    }
  }

  #answered(): void {
    this.#outstanding--;
    this.#wake();
  }

  #wake(): void {
    if (this.#queued || this.#over) return;
    this.#queued = true;
    this.#parts.workQueue.run(this);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    const { name: modelName, version: modelVersion } = this.#parts.model;
    const response = { id: '', modelName, modelVersion, parameters: NO_PARAMETERS };
    try {
      if (this.#error !== undefined) throw this.#error;
      this.#call.respond({ ...response, outputs: this.#gather() }, true);
    } catch (error) {
      this.#call.respond({ ...response, outputs: [], error: StatusError.from(error) }, true);
    }
  }

  #gather(): Tensor[] {
    return this.#parts.outputs.flatMap((name) => {
      const parts: Tensor[] = [];
      for (const answer of this.#answers) {
        const output = answer?.outputs.find((tensor) => tensor.name === name);
        if (output !== undefined) parts.push(this.#withItemDimension(output));
      }
      if (parts.length < this.#answers.length) return [];
      const gathered = parts.length === 0 ? this.#noItems(name) : joined(parts);
      const { batchSize, itemCount } = this.#layout;
      const item = gathered.shape.slice(1);
      const shape = batchSize === undefined ? [itemCount, ...item] : [batchSize, itemCount, ...item];
      return [{ ...gathered, shape }];
    });
  }

  #withItemDimension(output: Tensor): Tensor {
    return this.#parts.model.signature.maxBatchSize > 0 ? output : { ...output, shape: [1, ...output.shape] };
  }

  /** What the model would have answered to no items; dimensions that it leaves open are 0. */
  #noItems(name: string): Tensor {
    const { signature } = this.#parts.model;
    const output = signature.outputs[signature.outputIndex.get(name)!]!;
    const dims = output.dims.map((dim) => Math.max(0, dim));
    return { name, dataType: output.dataType, shape: [0, ...dims], data: new Uint8Array(0) };
  }

  #cut({ tensor, mapped }: MapInput): CutInput {
    const { signature } = this.#parts.model;
    const itemRank = signature.inputs[signature.inputIndex.get(tensor.name)!]!.dims.length;
    if (mapped) {
      const layout = itemLayout(tensor, itemRank);
      if (layout.batchSize !== this.#layout.batchSize || layout.itemCount !== this.#layout.itemCount) {
        throw new StatusError(
          'INVALID_ARG',
          `the tensors that step ${this.#call.step} maps over have different numbers of items: ${totalItems(this.#layout)} and ${totalItems(layout)}`,
        );
      }
      return {
        tensor,
        mapped,
        offsets: partOffsets(tensor, this.#total),
        shape: tensor.shape.slice(tensor.shape.length - itemRank),
      };
    }
    // The same for every item: one part a row of the batch, or one altogether.
    const rows = tensor.shape.length > itemRank ? tensor.shape[0]! : 1;
    const shape = tensor.shape.length > itemRank ? tensor.shape.slice(1) : tensor.shape;
    if (rows !== 1 && rows !== this.#layout.batchSize) {
      throw new StatusError(
        'INVALID_ARG',
        `input '${tensor.name}' of step ${this.#call.step}, which is the same for every item, has a batch of ${rows}, not of ${this.#layout.batchSize ?? 1}`,
      );
    }
    return { tensor, mapped, offsets: partOffsets(tensor, rows), shape };
  }

  #slice(input: CutInput, first: number, end: number): Tensor {
    const { tensor, mapped, offsets, shape } = input;
    const batches = this.#parts.model.signature.maxBatchSize > 0;
    if (mapped) {
      const data = tensor.data.subarray(offsets[first]!, offsets[end]!);
      return { name: tensor.name, dataType: tensor.dataType, shape: batches ? [end - first, ...shape] : shape, data };
    }
    const row = (item: number): Tensor => {
      const part = offsets.length === 2 ? 0 : Math.floor(item / this.#layout.itemCount);
      return { ...tensor, shape, data: tensor.data.subarray(offsets[part]!, offsets[part + 1]!) };
    };
    if (!batches) return row(first);
    if (offsets.length === 2) return repeated(row(first), end - first);
    const rows = Array.from({ length: end - first }, (_, index) => repeated(row(first + index), 1));
    return joined(rows);
  }
}
