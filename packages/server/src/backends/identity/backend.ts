import { setTimeout as sleep } from 'node:timers/promises';
import { dataTypeByteSize, StatusError, type Tensor } from '@nereid/protocol';
import type { ModelConfig } from '../../config/index.ts';
import {
  type Backend,
  type BackendModel,
  type ExecutionBatch,
  errorResponse,
  type ModelInstance,
  type ModelLoadContext,
  type ModelSignature,
  type ParameterValue,
  type ScheduledRequest,
  type TensorSignature,
} from '../../inference/index.ts';
import { monotonicNs, resultResponse } from '../batch/index.ts';
import { checkIdentityConfig, inputOf } from './check-config.ts';

/** What Triton's identity backend attaches to every response, to show that backends can. */
const RESPONSE_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map<string, ParameterValue>([
  ['param0', 'an example string parameter'],
  ['param1', 42],
  ['param2', false],
  ['param3', 123.123],
]);

/**
 * Triton's `identity` backend, for tests of everything around a model: OUTPUT<n> is INPUT<n>. Parameters: `execute_delay_ms` is waited once per
 * execution, times the instance's number times `instance_wise_delay_multiplier` if that is given; `creation_delay_sec` is waited at load.
 */
export class IdentityBackend implements Backend {
  readonly name = 'identity';
  readonly defaultInstanceCount = 1;
  readonly #wait: (delayMs: number) => Promise<unknown>;

  constructor(wait: (delayMs: number) => Promise<unknown> = sleep) {
    this.#wait = wait;
  }

  async load({ config }: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    checkIdentityConfig(config);
    const creationDelay = parameter(config, 'creation_delay_sec');
    if (creationDelay > 0) await this.#wait(1000 * creationDelay);
    const delayMs = parameter(config, 'execute_delay_ms');
    const multiplier = parameter(config, 'instance_wise_delay_multiplier');
    let instances = 0;
    return {
      createInstance: async (name) => {
        const factor = Math.max(1, multiplier * instances++);
        return new IdentityInstance(name, signature, delayMs * factor, this.#wait);
      },
      unload: async () => {},
    };
  }
}

class IdentityInstance implements ModelInstance {
  readonly name: string;
  readonly #signature: ModelSignature;
  readonly #delayMs: number;
  readonly #wait: (delayMs: number) => Promise<unknown>;
  /** For each output the input it repeats. */
  readonly #sources: readonly number[];

  constructor(name: string, signature: ModelSignature, delayMs: number, wait: (delayMs: number) => Promise<unknown>) {
    this.name = name;
    this.#signature = signature;
    this.#delayMs = delayMs;
    this.#wait = wait;
    this.#sources = signature.outputs.map((output) => signature.inputIndex.get(inputOf(output.name)) ?? -1);
  }

  execute(batch: ExecutionBatch): undefined | Promise<void> {
    batch.computeInputEndNs = monotonicNs();
    if (this.#delayMs > 0) return this.#wait(this.#delayMs).then(() => this.#answer(batch));
    this.#answer(batch);
    return undefined;
  }

  #answer(batch: ExecutionBatch): void {
    batch.computeOutputStartNs = monotonicNs();
    // Triton's identity backend names the batch size 0 where there is no batch dimension.
    if (this.#signature.maxBatchSize === 0) batch.reportedBatchSize = 0;
    for (const request of batch.requests) request.respond(this.#response(request), true);
  }

  #response(request: ScheduledRequest) {
    const outputs: Tensor[] = [];
    for (const output of request.requestedOutputs) {
      const source = this.#sources[output] ?? -1;
      const input = this.#signature.inputs[source];
      const name = this.#signature.outputs[output]?.name ?? '';
      const tensor = request.inputs[source] ?? (input?.optional ? zeros(input, request.batchSize) : undefined);
      if (tensor === undefined) {
        return errorResponse(request, new StatusError('UNSUPPORTED', `failed to get input '${inputOf(name)}'`));
      }
      outputs.push({ ...tensor, name });
    }
    return { ...resultResponse(request, outputs), parameters: RESPONSE_PARAMETERS };
  }
}

/** What an optional input that was left out counts as; variable dimensions are 1. A BYTES element of zeros is an empty one. */
function zeros(input: TensorSignature, batchSize: number): Tensor {
  const dims = (input.reshape ?? input.dims).map((dim) => (dim === -1 ? 1 : dim));
  const shape = batchSize > 0 ? [batchSize, ...dims] : dims;
  const count = shape.reduce((product, dim) => product * dim, 1);
  const elementSize = input.dataType === 'BYTES' ? 4 : dataTypeByteSize(input.dataType);
  return { name: input.name, dataType: input.dataType, shape, data: new Uint8Array(count * elementSize) };
}

/** A number of milliseconds or seconds, 0 when it is not given. */
function parameter(config: ModelConfig, name: string): number {
  const text = config.parameters[name]?.stringValue ?? '0';
  const value = Number.parseInt(text, 10);
  if (value >= 0 && value <= 0x7fffffff / 1000) return value;
  throw new StatusError('INVALID_ARG', `failed to convert '${text}' to integral number`);
}
