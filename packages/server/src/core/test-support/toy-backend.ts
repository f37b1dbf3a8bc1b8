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

/** One execution, as the tests look at it. */
export interface ToyExecution {
  readonly model: string;
  readonly instance: string;
  readonly batchSize: number;
  readonly requestIds: readonly string[];
  /** Lets a held execution go on. */
  release(): void;
}

type Answer = (request: ScheduledRequest, signature: ModelSignature, batch: ExecutionBatch) => void;

/**
 * Models whose answers a reader can compute. `parameters` of the configuration choose: `behaviour` is one of BEHAVIOURS, `hold` (any text) makes
 * every execution wait until the test releases it.
 */
export class ToyBackend implements Backend {
  readonly name = 'toy';
  readonly defaultInstanceCount = 1;
  readonly executions: ToyExecution[] = [];
  readonly unloaded: string[] = [];
  /** Executions that wait for `release`, in order. */
  readonly held: ToyExecution[] = [];

  async load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    const parameter = (key: string) => context.config.parameters[key]?.stringValue;
    const answer = BEHAVIOURS.get(parameter('behaviour') ?? 'identity');
    if (answer === undefined)
      throw new StatusError('INTERNAL', `toy model '${context.modelName}' has no such behaviour`);
    const holds = parameter('hold') !== undefined;
    return {
      createInstance: async (name) => this.#instance(name, context.modelName, signature, answer, holds),
      unload: async () => {
        this.unloaded.push(context.modelName);
      },
    };
  }

  /** Lets the oldest held execution go on and waits until its answers are out. */
  async releaseNext(): Promise<void> {
    const execution = this.held.shift();
    if (execution === undefined) throw new Error('no execution is held');
    execution.release();
    await settled();
  }

  async releaseAll(): Promise<void> {
    while (this.held.length > 0) await this.releaseNext();
  }

  #instance(name: string, model: string, signature: ModelSignature, answer: Answer, holds: boolean): ModelInstance {
    const run = (batch: ExecutionBatch) => {
      batch.computeInputEndNs = batch.computeStartNs + 1;
      batch.computeOutputStartNs = batch.computeStartNs + 2;
      for (const request of batch.requests) answer(request, signature, batch);
    };
    return {
      name,
      execute: (batch) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const execution: ToyExecution = {
          model,
          instance: name,
          batchSize: batch.batchSize,
          requestIds: batch.requests.map(({ request }) => request.id),
          release: () => {
            run(batch);
            resolve();
          },
        };
        this.executions.push(execution);
        if (holds) {
          this.held.push(execution);
          return promise;
        }
        run(batch);
        return undefined;
      },
    };
  }
}

/** Waits until promises that are settled by now have been noticed. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const BEHAVIOURS: ReadonlyMap<string, Answer> = new Map([
  ['identity', answerIdentity],
  ['accumulate', answerAccumulate],
  ['add_sub', answerAddSub],
  ['fail', answerFailure],
  ['no_outputs', (request) => respond(request, [], true)],
  ['repeat', answerRepeat],
  ['silent', () => {}],
  ['twice', answerTwice],
  ['throw', answerThrow],
]);

/** OUTPUTn = INPUTn by position; an input that was not given has no output. */
function answerIdentity(request: ScheduledRequest, signature: ModelSignature): void {
  const outputs = request.requestedOutputs.flatMap((index) => {
    const input = request.inputs[index];
    return input === undefined ? [] : [{ ...input, name: signature.outputs[index]!.name }];
  });
  respond(request, outputs, true);
}

/** INT32: OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1. */
function answerAddSub(request: ScheduledRequest, signature: ModelSignature): void {
  const [a, b] = request.inputs.map((tensor) => readInt32(tensor!));
  const outputs = request.requestedOutputs.map((index) => {
    const values = a!.map((value, position) => (index === 0 ? value + b![position]! : value - b![position]!));
    return int32Tensor(signature.outputs[index]!.name, request.inputs[0]!.shape, values);
  });
  respond(request, outputs, true);
}

/** A sequence model with the state STATE_IN -> STATE_OUT, INT32 of one element: OUTPUT is the state plus the input's first element, and so is the next state. */
function answerAccumulate(request: ScheduledRequest, signature: ModelSignature, batch: ExecutionBatch): void {
  const states = readInt32(batch.schedulerInputs!.get('STATE_IN')!);
  const sums = batch.requests.map(({ inputs }, row) => states[row]! + readInt32(inputs[0]!)[0]!);
  batch.onSchedulerOutputs?.([int32Tensor('STATE_OUT', [sums.length, 1], sums)]);
  const sum = sums[batch.requests.indexOf(request)]!;
  respond(request, [int32Tensor(signature.outputs[0]!.name, [1, 1], [sum])], true);
}

function answerFailure(request: ScheduledRequest): void {
  request.respond(errorResponse(request, new StatusError('INTERNAL', 'the toy model failed')), true);
}

/** Decoupled: one response per element of the first input, then an empty final one. */
function answerRepeat(request: ScheduledRequest, signature: ModelSignature): void {
  for (const value of readInt32(request.inputs[0]!)) {
    respond(request, [int32Tensor(signature.outputs[0]!.name, [1], [value])], false);
  }
  request.respond(undefined, true);
}

function answerTwice(request: ScheduledRequest, signature: ModelSignature): void {
  answerIdentity(request, signature);
  answerIdentity(request, signature);
}

function answerThrow(): void {
  throw new Error('the toy backend broke its contract');
}

function respond(request: ScheduledRequest, outputs: readonly Tensor[], final: boolean): void {
  const { id, modelName } = request.request;
  request.respond({ id, modelName, modelVersion: request.modelVersion, parameters: new Map(), outputs }, final);
}

/** INT32 tensor from numbers. */
export function int32Tensor(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, dataType: 'INT32', shape, data: new Uint8Array(Int32Array.from(values).buffer) };
}

export function readInt32(tensor: Tensor): number[] {
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  return Array.from({ length: tensor.data.byteLength / 4 }, (_, index) => view.getInt32(index * 4, true));
}
