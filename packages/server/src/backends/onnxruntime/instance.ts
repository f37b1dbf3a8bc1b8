import { type EngineTensor, PendingRun, type Session } from '@nereid/engine';
import type { StatusError, Tensor } from '@nereid/protocol';
import { cancelledError, type ExecutionBatch, type ModelInstance } from '../../inference/index.ts';
import { answerWithError, answerWithOutputs, type BatchIo, monotonicNs, type OutputPart } from '../batch/index.ts';
import { toStatusError } from './errors.ts';
import type { TensorMap } from './tensor-map.ts';

/** What all instances of a model share. */
export interface InstanceParts {
  readonly session: Session;
  readonly batchIo: BatchIo;
  readonly tensors: TensorMap;
}

/** Runs batches on a session. Instances differ in nothing but their name; how many there are bounds how many batches run at once. */
export class OnnxInstance implements ModelInstance {
  readonly name: string;
  readonly #parts: InstanceParts;

  constructor(name: string, parts: InstanceParts) {
    this.name = name;
    this.#parts = parts;
  }

  execute(batch: ExecutionBatch): undefined | Promise<void> {
    const { session, batchIo, tensors } = this.#parts;
    try {
      const inputs = tensors.runInputs(batchIo.gather(batch));
      const wanted = new WantedOutputs(batch, tensors);
      batch.computeInputEndNs = monotonicNs();
      const run = session.run(inputs, wanted.sessionOutputs);
      if (run instanceof PendingRun) return this.#finishLater(batch, wanted, run);
      this.#finish(batch, wanted, run);
    } catch (error) {
      answerWithError(batch, toStatusError(error));
    }
    return undefined;
  }

  async #finishLater(batch: ExecutionBatch, wanted: WantedOutputs, run: PendingRun): Promise<void> {
    // A run of several requests goes on for the others when one of them is cancelled.
    const cancellation = batch.requests.length === 1 ? batch.requests[0]?.request.cancellation : undefined;
    const stopListening = cancellation?.onCancel(() => run.terminate());
    try {
      this.#finish(batch, wanted, await run.result);
    } catch (error) {
      answerWithError(batch, this.#failure(error, cancellation?.cancelled ?? false));
    } finally {
      stopListening?.();
    }
  }

  #failure(error: unknown, cancelled: boolean): StatusError {
    return cancelled ? cancelledError() : toStatusError(error);
  }

  #finish(batch: ExecutionBatch, wanted: WantedOutputs, results: readonly EngineTensor[]): void {
    batch.computeOutputStartNs = monotonicNs();
    if (batch.onSchedulerOutputs !== undefined) batch.onSchedulerOutputs(wanted.states(results));
    answerWithOutputs(batch, wanted.parts(results, this.#parts.batchIo));
  }
}

/** The outputs of one execution: what some request asked for, and the states the scheduler keeps. */
class WantedOutputs {
  /** Places in `Session.outputs`. */
  readonly sessionOutputs: readonly number[];
  readonly #batch: ExecutionBatch;
  readonly #tensors: TensorMap;
  /** For each output of the model's signature its place in the results; undefined when nobody asked for it. */
  readonly #positions: readonly (number | undefined)[];

  constructor(batch: ExecutionBatch, tensors: TensorMap) {
    this.#batch = batch;
    this.#tensors = tensors;
    const sessionOutputs: number[] = [];
    const place = (output: number): number => {
      const known = sessionOutputs.indexOf(output);
      return known >= 0 ? known : sessionOutputs.push(output) - 1;
    };
    const positions: (number | undefined)[] = tensors.outputs.map(() => undefined);
    for (const request of batch.requests) {
      for (const index of request.requestedOutputs) positions[index] ??= place(tensors.outputs[index]?.output ?? -1);
    }
    if (batch.onSchedulerOutputs !== undefined) for (const { output } of tensors.stateOutputs) place(output);
    this.#positions = positions;
    this.sessionOutputs = sessionOutputs;
  }

  parts(results: readonly EngineTensor[], batchIo: BatchIo): (readonly OutputPart[] | undefined)[] {
    return this.#tensors.outputs.map(({ name, scalarShape }, index) => {
      const position = this.#positions[index];
      const result = position === undefined ? undefined : results[position];
      return result === undefined ? undefined : batchIo.scatter(named(result, name, scalarShape), this.#batch);
    });
  }

  states(results: readonly EngineTensor[]): Tensor[] {
    return this.#tensors.stateOutputs.flatMap(({ name, output, scalarShape }) => {
      const result = results[this.sessionOutputs.indexOf(output)];
      return result === undefined ? [] : [named(result, name, scalarShape)];
    });
  }
}

/** A scalar has no shape of its own; it gets the configuration's. */
function named(result: EngineTensor, name: string, scalarShape: readonly number[]): Tensor {
  const shape = result.shape.length === 0 ? scalarShape : result.shape;
  const { dataType, data } = result;
  if (dataType !== 'BYTES') return { name, dataType, shape, data };
  const count = result.shape.reduce((product, dim) => product * dim, 1);
  return { name, dataType, shape, data, bytesExtent: { data, count, end: data.byteLength } };
}
