import { setTimeout as pause } from 'node:timers/promises';
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

/** How long Triton's backend takes for an execution. */
const DEFAULT_DELAY_MS = 500;

/**
 * Triton's example backend `iterative_sequence`, decoupled: counts INPUT (INT32) down, one execution and one response OUTPUT at a time, and asks for
 * its request to be scheduled again in between. Parameter `execute_delay_ms`: how long an execution takes.
 */
export class IterativeSequenceBackend implements Backend {
  readonly name = 'iterative_sequence';
  readonly defaultInstanceCount = 1;

  async load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    const input = signature.inputs[0];
    const output = signature.outputs[0];
    const isCounter = input?.name === 'INPUT' && input.dataType === 'INT32' && output?.name === 'OUTPUT';
    if (!isCounter || output.dataType !== 'INT32' || !signature.decoupled) {
      throw new StatusError(
        'INVALID_ARG',
        `iterative_sequence model '${context.modelName}' must be decoupled and have INT32 'INPUT' and 'OUTPUT'`,
      );
    }
    const delay = Number(context.config.parameters['execute_delay_ms']?.stringValue ?? DEFAULT_DELAY_MS);
    if (!Number.isInteger(delay) || delay < 0 || delay > 0x7fffffff) {
      throw new StatusError('INVALID_ARG', `parameter 'execute_delay_ms' must be a number of milliseconds`);
    }
    return { createInstance: async (name) => new CountdownInstance(name, delay), unload: async () => {} };
  }
}

class CountdownInstance implements ModelInstance {
  readonly name: string;
  readonly #delayMs: number;
  /** What is left of each request that runs again. */
  readonly #left = new WeakMap<ScheduledRequest, number>();

  constructor(name: string, delayMs: number) {
    this.name = name;
    this.#delayMs = delayMs;
  }

  async execute(batch: ExecutionBatch): Promise<void> {
    batch.computeInputEndNs = batch.computeStartNs;
    batch.computeOutputStartNs = batch.computeStartNs;
    await pause(this.#delayMs);
    for (const request of batch.requests) if (request.released !== true) this.#count(request);
  }

  #count(request: ScheduledRequest): void {
    const left = (this.#left.get(request) ?? readInt32(request.inputs[0]!)) - 1;
    this.#left.set(request, left);
    const goesOn = left > 0;
    try {
      if (goesOn) reschedule(request);
    } catch (error) {
      request.respond(errorResponse(request, StatusError.from(error)), true);
      return;
    }
    const { id, modelName } = request.request;
    const shape = request.batchSize > 0 ? [1, 1] : [1];
    const outputs: Tensor[] = [{ name: 'OUTPUT', dataType: 'INT32', shape, data: int32Bytes(left) }];
    request.respond({ id, modelName, modelVersion: request.modelVersion, parameters: new Map(), outputs }, !goesOn);
  }
}

function reschedule(request: ScheduledRequest): void {
  if (request.reschedule === undefined) {
    throw new StatusError(
      'INVALID_ARG',
      'Request is released with TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, while the model is not configured to handle such a flag.',
    );
  }
  request.reschedule();
}

function readInt32({ data }: Tensor): number {
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getInt32(0, true);
}

function int32Bytes(value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, value, true);
  return data;
}
