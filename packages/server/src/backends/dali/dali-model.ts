import { StatusError, type Tensor } from '@nereid/protocol';
import {
  type BackendModel,
  type ExecutionBatch,
  errorResponse,
  type Logger,
  type ModelInstance,
  type ModelSignature,
  type ScheduledRequest,
} from '../../inference/index.ts';
import { monotonicNs, resultResponse } from '../batch/index.ts';
import { backendError, executeBatch, type PipelineHandle, type RequestResult } from './runtime/execute-batch.ts';

export interface DaliModelOptions {
  readonly handle: PipelineHandle;
  readonly signature: ModelSignature;
  /** Outputs whose first sample dimension becomes part of the batch. */
  readonly splitOutputs: ReadonlySet<string>;
  readonly release: () => void;
  readonly log: Logger;
}

/** One loaded version: its pipeline is known to the worker threads until `unload`. */
export class DaliModel implements BackendModel {
  readonly #options: DaliModelOptions;

  constructor(options: DaliModelOptions) {
    this.#options = options;
  }

  async createInstance(name: string): Promise<ModelInstance> {
    return new DaliInstance(name, this.#options);
  }

  async unload(): Promise<void> {
    this.#options.release();
  }
}

class DaliInstance implements ModelInstance {
  readonly name: string;
  readonly #options: DaliModelOptions;
  /** For each source of the pipeline, its place in the signature. */
  readonly #inputs: readonly number[];

  constructor(name: string, options: DaliModelOptions) {
    this.name = name;
    this.#options = options;
    this.#inputs = options.handle.pipeline.sources.map((source) => options.signature.inputIndex.get(source.name) ?? -1);
  }

  async execute(batch: ExecutionBatch): Promise<void> {
    const gathered = batch.requests.map((request) => this.#gather(request));
    const runnable = gathered.filter((inputs): inputs is readonly Tensor[] => !(inputs instanceof StatusError));
    batch.computeInputEndNs = monotonicNs();
    const results = await executeBatch(this.#options.handle, runnable);
    batch.computeOutputStartNs = monotonicNs();
    let next = 0;
    batch.requests.forEach((request, index) => {
      const inputs = gathered[index]!;
      this.#answer(request, inputs instanceof StatusError ? inputs : results[next++]!);
    });
  }

  #gather(request: ScheduledRequest): readonly Tensor[] | StatusError {
    const tensors: Tensor[] = [];
    for (const [source, input] of this.#inputs.entries()) {
      const tensor = request.inputs[input];
      if (tensor === undefined) {
        return backendError(
          `input "${this.#options.handle.pipeline.sources[source]!.name}" is missing; a request must give all of them`,
        );
      }
      tensors.push(tensor);
    }
    return tensors;
  }

  #answer(request: ScheduledRequest, result: RequestResult): void {
    const outputs = result instanceof StatusError ? result : this.#requested(request, result);
    if (outputs instanceof StatusError) {
      this.#options.log.error(outputs.message, 'dali_model_instance.cc');
      request.respond(errorResponse(request, outputs), true);
    } else request.respond(resultResponse(request, outputs), true);
  }

  /** The outputs that were asked for under the configuration's names. */
  #requested(request: ScheduledRequest, tensors: readonly Tensor[]): readonly Tensor[] | StatusError {
    const { signature, splitOutputs } = this.#options;
    const outputs: Tensor[] = [];
    for (const index of request.requestedOutputs) {
      const { name, dataType } = signature.outputs[index]!;
      const tensor = tensors[index]!;
      if (tensor.dataType !== dataType) {
        return backendError(`output "${name}" has the type ${tensor.dataType} but the configuration says ${dataType}`);
      }
      const [batch, outer, ...rest] = tensor.shape;
      const shape = splitOutputs.has(name) && outer !== undefined ? [batch! * outer, ...rest] : tensor.shape;
      outputs.push({ ...tensor, name, shape });
    }
    return outputs;
  }
}
