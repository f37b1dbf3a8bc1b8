import { StatusError, type Tensor } from '@nereid/protocol';
import {
  cancelledError,
  errorResponse,
  type InferenceResponse,
  type Runnable,
  requestPrefix,
  type ScheduledRequest,
  type WorkQueue,
} from '../inference/index.ts';
import type { StepRecorder } from '../observability/index.ts';
import type { ByteCounter } from './admission.ts';
import { isSkipped } from './condition.ts';
import { ensembleResponse } from './ensemble-response.ts';
import { Frame, type SequencePosition } from './frame.ts';
import { MappedCall } from './mapped-call.ts';
import type { Plan } from './plan.ts';
import { responsePosition } from './sequence-position.ts';
import { StepCall, type StepEvent } from './step-call.ts';
import type { GraphStep, StepGraph } from './step-graph.ts';
import type { StepLimiter } from './step-limiter.ts';
import type { StepModel, StepResolver } from './step-model.ts';
import { gatherItems, gatherStep, makeStepRequest } from './step-request.ts';

/** What all runs of an ensemble share. */
export interface RunContext {
  readonly graph: StepGraph;
  /** Per input of the ensemble. */
  readonly optionalInputs: readonly boolean[];
  readonly batches: boolean;
  readonly decoupled: boolean;
  readonly workQueue: WorkQueue;
  readonly resolve: StepResolver;
  /** Bytes of the tensors inside. */
  readonly bytes: ByteCounter;
  readonly stepLimiter: StepLimiter | undefined;
  /** Per step. */
  readonly recorders: readonly StepRecorder[];
  /** Called when bytes may have been let go of; not given when nobody waits for that. */
  readonly onProgress: (() => void) | undefined;
  /** Called once, after the final response. */
  finished(): void;
}

/**
 * One request going through an ensemble's steps. A step starts as soon as all tensors it reads are there; steps that do not depend on each other run at
 * the same time. Nothing happens inside a model's `respond`: answers are put in an inbox and the work queue comes back to it, so chains
 * of inline models do not nest.
 */
export class EnsembleRun implements Runnable {
  readonly #context: RunContext;
  readonly #scheduled: ScheduledRequest;
  readonly #plan: Plan;
  readonly #position: SequencePosition;
  readonly #models: (StepModel | undefined)[];
  readonly #frames = new Map<number, Frame>();
  /** Per tensor: iterations written so far. Only decoupled steps write more than one. */
  readonly #iterations: Int32Array;
  #inbox: StepEvent[] = [];
  #queued = true;
  #started = false;
  #stepsInFlight = 0;
  #error: StatusError | undefined;
  #responded = false;
  #over = false;

  constructor(context: RunContext, scheduled: ScheduledRequest, plan: Plan) {
    const { request } = scheduled;
    this.#context = context;
    this.#scheduled = scheduled;
    this.#plan = plan;
    this.#position = { correlationId: request.correlationId, start: request.sequenceStart, end: request.sequenceEnd };
    this.#models = new Array(context.graph.steps.length).fill(undefined);
    this.#iterations = new Int32Array(context.graph.tensorNames.length);
  }

  run(): void {
    this.#queued = false;
    if (this.#started) {
      const events = this.#inbox;
      this.#inbox = [];
      for (const event of events) this.#advance(event);
    } else {
      this.#started = true;
      this.#start();
    }
    this.#finishIfDone();
    this.#context.onProgress?.();
  }

  #start(): void {
    try {
      for (const step of this.#plan.steps) {
        const { namespace, modelName, modelVersion } = this.#context.graph.steps[step]!;
        const model = this.#context.resolve(namespace, modelName, modelVersion);
        model.pin();
        this.#models[step] = model;
      }
    } catch (error) {
      this.#fail(StatusError.from(error));
      return;
    }
    const frame = this.#frame(0);
    const ready: number[] = [];
    const { graph } = this.#context;
    for (const [index, tensor] of graph.inputs.entries()) {
      const value = this.#scheduled.inputs[index];
      // A required input that is missing is never there; an optional one counts as absent.
      if (value === undefined && !this.#context.optionalInputs[index]) continue;
      frame.set(tensor, value ?? null, this.#scheduled.batchSize, undefined, ready);
      this.#iterations[tensor] = 1;
    }
    this.#launch(frame, ready);
    this.#respondIfComplete(0, frame);
  }

  readonly #receive = (event: StepEvent): void => {
    this.#inbox.push(event);
    this.#wake();
  };

  #advance({ call, response, final }: StepEvent): void {
    if (final) {
      for (const tensor of this.#context.graph.steps[call.step]!.reads) call.frame.release(tensor);
      this.#stepOver(call.step);
    }
    if (response === undefined || this.#error !== undefined) return;
    if (response.error !== undefined) {
      this.#fail(response.error);
      return;
    }
    try {
      this.#consume(call, response);
    } catch (error) {
      this.#fail(StatusError.from(error));
    }
  }

  /** Puts a step's outputs where the steps behind it find them. */
  #consume(call: StepCall, response: InferenceResponse): void {
    const position = responsePosition(response.parameters, call.position);
    const touched = new Map<number, number[]>();
    const opensIterations = this.#models[call.step]!.signature.decoupled;
    for (const { name, tensor } of this.#plan.stepOutputs[call.step]!) {
      const iteration = opensIterations ? this.#iterations[tensor]!++ : call.frame.iteration;
      let ready = touched.get(iteration);
      if (ready === undefined) {
        ready = [];
        touched.set(iteration, ready);
      }
      this.#frame(iteration).set(tensor, findTensor(response.outputs, name), call.batchSize, position, ready);
    }
    for (const [iteration, ready] of touched) {
      const frame = this.#frame(iteration);
      this.#launch(frame, ready);
      this.#respondIfComplete(iteration, frame);
    }
  }

  #frame(iteration: number): Frame {
    let frame = this.#frames.get(iteration);
    if (frame === undefined) {
      frame = new Frame(iteration, this.#plan, this.#context.bytes);
      this.#frames.set(iteration, frame);
    }
    return frame;
  }

  /** Launches what is ready; `ready` grows when a step is skipped and others behind it become ready. */
  #launch(frame: Frame, ready: number[]): void {
    for (const step of ready) {
      if (this.#error !== undefined) return;
      if (this.#scheduled.request.cancellation.cancelled) {
        this.#fail(cancelledError());
        return;
      }
      if (this.#context.graph.isConditional && this.#skipped(step, frame, ready)) continue;
      this.#stepsInFlight++;
      const { stepLimiter } = this.#context;
      if (stepLimiter === undefined) this.#launchStep(step, frame);
      else stepLimiter.enter(step, { run: () => this.#launchLate(step, frame) });
    }
  }

  /** Skips the step if it does not run in this iteration: its outputs are absent. */
  #skipped(step: number, frame: Frame, ready: number[]): boolean {
    const { graph } = this.#context;
    try {
      if (!isSkipped(graph, graph.steps[step]!, this.#models[step]!.signature, frame)) return false;
    } catch (error) {
      this.#fail(StatusError.from(error));
      return true;
    }
    this.#context.recorders[step]!.skipped();
    for (const tensor of graph.steps[step]!.reads) frame.release(tensor);
    for (const { tensor } of this.#plan.stepOutputs[step]!) frame.skip(tensor, ready);
    return true;
  }

  /** A launch that may have waited: by now the run may have failed, or its client gone. */
  #launchLate(step: number, frame: Frame): void {
    if (this.#error === undefined && this.#scheduled.request.cancellation.cancelled) this.#fail(cancelledError());
    if (this.#error === undefined) {
      this.#launchStep(step, frame);
      return;
    }
    this.#stepOver(step);
    this.#wake();
  }

  #stepOver(step: number): void {
    this.#stepsInFlight--;
    this.#context.stepLimiter?.leave(step);
  }

  #wake(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#context.workQueue.run(this);
  }

  #launchStep(step: number, frame: Frame): void {
    const model = this.#models[step]!;
    const graphStep = this.#context.graph.steps[step]!;
    try {
      if (graphStep.options !== undefined && graphStep.options.map.length > 0) {
        this.#launchMapped(graphStep, model, frame);
        return;
      }
      const { inputs, position } = gatherStep(graphStep, model.signature, frame);
      const own = position ?? this.#position;
      const batchSize = model.signature.maxBatchSize > 0 ? (inputs[0]?.shape[0] ?? 0) : 0;
      const call = new StepCall(step, frame, batchSize, own, this.#receive);
      const recorder = this.#context.recorders[step]!;
      const stepRequest = makeStepRequest(this.#scheduled, model, recorder, inputs, this.#plan.outputNames[step]!, own);
      model.infer(stepRequest, call.respond);
    } catch (error) {
      this.#context.recorders[step]!.failed('REJECTED');
      this.#fail(StatusError.from(error));
      this.#stepOver(step);
      this.#wake();
    }
  }

  /** Throws StatusError when the items cannot be told apart. */
  #launchMapped(graphStep: GraphStep, model: StepModel, frame: Frame): void {
    const { index: step } = graphStep;
    const { inputs, layout, position } = gatherItems(graphStep, model.signature, frame);
    const own = position ?? this.#position;
    const outputs = this.#plan.outputNames[step]!;
    const { workQueue, recorders } = this.#context;
    const recorder = recorders[step]!;
    const request = (parts: readonly Tensor[]) =>
      makeStepRequest(this.#scheduled, model, recorder, parts, outputs, own);
    const call = new StepCall(step, frame, layout.batchSize ?? 0, own, this.#receive);
    workQueue.run(new MappedCall({ model, inputs, outputs, workQueue, request }, call, layout));
  }

  /** The first error is the one that is reported. */
  #fail(error: StatusError): void {
    this.#error ??= new StatusError(error.code, `in ensemble '${this.#context.graph.ensembleName}', ${error.message}`, {
      cause: error,
    });
  }

  #respondIfComplete(iteration: number, frame: Frame): void {
    if (!frame.isComplete || this.#error !== undefined) return;
    const response = ensembleResponse(this.#context, this.#scheduled, frame);
    frame.close();
    this.#frames.delete(iteration);
    this.#responded = true;
    this.#over = this.#stepsInFlight === 0 && this.#inbox.length === 0;
    if (this.#over) this.#closeAll();
    this.#scheduled.respond(response, this.#over);
    if (this.#over) this.#context.finished();
  }

  #finishIfDone(): void {
    if (this.#over || this.#stepsInFlight > 0 || this.#inbox.length > 0) return;
    this.#over = true;
    this.#closeAll();
    if (this.#error === undefined && !this.#responded && !this.#context.decoupled) this.#fail(this.#deadlock());
    this.#scheduled.respond(this.#error === undefined ? undefined : errorResponse(this.#scheduled, this.#error), true);
    this.#context.finished();
  }

  #deadlock(): StatusError {
    return new StatusError(
      'INVALID_ARG',
      `${requestPrefix(this.#scheduled.request)}unexpected deadlock, at least one output is not set while no more ensemble steps can be made`,
    );
  }

  #closeAll(): void {
    for (const frame of this.#frames.values()) frame.close();
    this.#frames.clear();
    for (const model of this.#models) model?.unpin();
  }
}

function findTensor(tensors: readonly Tensor[], name: string): Tensor | null {
  for (const tensor of tensors) if (tensor.name === name) return tensor;
  return null;
}
