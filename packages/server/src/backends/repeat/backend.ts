import { StatusError, type Tensor } from '@nereid/protocol';
import {
  type Backend,
  type BackendModel,
  type ExecutionBatch,
  errorResponse,
  type ModelInstance,
  type ModelLoadContext,
  type ModelSignature,
  type ScheduledRequest,
} from '../../inference/index.ts';

/** Longest pause between two responses. */
const MAX_PAUSE_MS = 3_600_000;

/**
 * Triton's example backend `repeat`, decoupled: for each element of IN (INT32) one response with OUT = that element and IDX = its position,
 * after the element's DELAY (UINT32, milliseconds); the instance is free again after WAIT milliseconds, whether or not all responses are out.
 */
export class RepeatBackend implements Backend {
  readonly name = 'repeat';
  readonly defaultInstanceCount = 1;

  async load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    if (!signature.decoupled) {
      throw new StatusError(
        'INVALID_ARG',
        `repeat backend only supports decoupled transaction policy: model '${context.modelName}'`,
      );
    }
    const inputs = ['IN', 'DELAY', 'WAIT'].map((name) => {
      const index = signature.inputIndex.get(name);
      if (index === undefined)
        throw new StatusError('INVALID_ARG', `model '${context.modelName}' must have input '${name}'`);
      return index;
    });
    return {
      createInstance: async (name) => new RepeatInstance(name, signature, inputs as [number, number, number]),
      unload: async () => {},
    };
  }
}

class RepeatInstance implements ModelInstance {
  readonly name: string;
  readonly #signature: ModelSignature;
  readonly #inputs: readonly [number, number, number];

  constructor(name: string, signature: ModelSignature, inputs: readonly [number, number, number]) {
    this.name = name;
    this.#signature = signature;
    this.#inputs = inputs;
  }

  async execute(batch: ExecutionBatch): Promise<void> {
    batch.computeInputEndNs = batch.computeStartNs;
    batch.computeOutputStartNs = batch.computeStartNs;
    const waits = batch.requests.map((request) => this.#start(request));
    await pause(Math.max(0, ...waits));
  }

  /** Starts the responses of a request; returns how long the instance is to be busy with it. */
  #start(request: ScheduledRequest): number {
    const [values, delays, wait] = this.#inputs.map((index) => readUint32(request.inputs[index]));
    if (values!.length !== delays!.length) {
      const message = `expected IN and DELAY shape to match, got [${values!.length}] and [${delays!.length}]`;
      request.respond(errorResponse(request, new StatusError('INVALID_ARG', message)), true);
      return 0;
    }
    void this.#repeat(request, values!, delays!);
    return Math.min(MAX_PAUSE_MS, wait?.[0] ?? 0);
  }

  async #repeat(request: ScheduledRequest, values: readonly number[], delays: readonly number[]): Promise<void> {
    const { id, modelName, cancellation } = request.request;
    for (const [position, value] of values.entries()) {
      const delayMs = Math.min(MAX_PAUSE_MS, delays[position]!);
      if (delayMs > 0) await pause(delayMs);
      if (cancellation.cancelled) {
        request.respond(errorResponse(request, new StatusError('CANCELLED', '')), true);
        return;
      }
      const outputs = this.#outputs(request, value, position);
      request.respond({ id, modelName, modelVersion: request.modelVersion, parameters: new Map(), outputs }, false);
    }
    request.respond(undefined, true);
  }

  #outputs(request: ScheduledRequest, value: number, position: number): Tensor[] {
    const wanted = new Set(request.requestedOutputs.map((index) => this.#signature.outputs[index]!.name));
    const all: readonly Tensor[] = [
      { name: 'OUT', dataType: 'INT32', shape: [1], data: uint32Bytes(value) },
      { name: 'IDX', dataType: 'UINT32', shape: [1], data: uint32Bytes(position) },
    ];
    return all.filter(({ name }) => wanted.has(name));
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function readUint32(tensor: Tensor | undefined): number[] {
  if (tensor === undefined) return [];
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  return Array.from({ length: tensor.data.byteLength >> 2 }, (_, index) => view.getUint32(index * 4, true));
}

function uint32Bytes(value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value, true);
  return data;
}
