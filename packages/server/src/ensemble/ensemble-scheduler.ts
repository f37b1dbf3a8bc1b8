import {
  type Clock,
  type ModelSignature,
  type ScheduledRequest,
  type Scheduler,
  stoppingError,
  type WorkQueue,
} from '../inference/index.ts';
import { StepRecorder, type StepStatistics } from '../observability/index.ts';
import { Admission, type AdmissionPolicy, type ByteCounter } from './admission.ts';
import { EnsembleRun, type RunContext } from './ensemble-run.ts';
import { PlanCache } from './plan.ts';
import type { StepGraph } from './step-graph.ts';
import { StepLimiter } from './step-limiter.ts';
import type { StepResolver } from './step-model.ts';

export interface EnsembleSchedulerParts {
  readonly graph: StepGraph;
  readonly signature: ModelSignature;
  readonly admission: AdmissionPolicy;
  readonly resolve: StepResolver;
  readonly workQueue: WorkQueue;
  readonly clock: Clock;
}

/** The scheduler of an ensemble: instead of an instance, a request gets a run through the steps. */
export class EnsembleScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #plans: PlanCache;
  readonly #context: RunContext;
  readonly #admission: Admission | undefined;
  readonly #bytes: ByteCounter = { bytes: 0 };
  /** What each step did so far. */
  readonly steps: readonly StepStatistics[];
  /** Requests that were let in. */
  #inside = 0;
  #stopped: PromiseWithResolvers<void> | undefined;

  constructor({ graph, signature, admission, resolve, workQueue, clock }: EnsembleSchedulerParts) {
    const { maxRequests, maxBytes } = admission;
    this.#clock = clock;
    this.#plans = new PlanCache(graph);
    const recorders = graph.steps.map(({ index, modelName }) => new StepRecorder(index, modelName));
    this.steps = recorders;
    const isLimited = maxRequests > 0 || maxBytes > 0;
    const callbacks = {
      start: (request: ScheduledRequest) => this.#start(request),
      refused: () => this.#checkStopped(),
    };
    this.#admission = isLimited ? new Admission(admission, clock, this.#bytes, callbacks) : undefined;
    this.#context = {
      graph,
      optionalInputs: signature.inputs.map((input) => input.optional),
      batches: signature.maxBatchSize > 0,
      decoupled: signature.decoupled,
      workQueue,
      resolve,
      bytes: this.#bytes,
      recorders,
      // One response per step and request: the entrance bounds the steps too.
      stepLimiter:
        signature.decoupled && maxRequests > 0 ? new StepLimiter(graph.steps.length, maxRequests) : undefined,
      onProgress: maxBytes > 0 ? () => this.#admission?.pump() : undefined,
      finished: () => this.#finished(),
    };
  }

  get inflightCount(): number {
    return this.#inside + this.pendingCount;
  }

  get pendingCount(): number {
    return this.#admission?.waitingCount ?? 0;
  }

  enqueue(request: ScheduledRequest): void {
    if (this.#stopped !== undefined) throw stoppingError(request.request);
    request.queuedNs = this.#clock.nowNs();
    if (this.#admission === undefined) this.#start(request);
    else this.#admission.enter(request);
  }

  stop(): Promise<void> {
    this.#stopped ??= Promise.withResolvers<void>();
    this.#checkStopped();
    return this.#stopped.promise;
  }

  #start(request: ScheduledRequest): void {
    this.#inside++;
    this.#context.workQueue.run(new EnsembleRun(this.#context, request, this.#plans.for(request.requestedOutputs)));
  }

  #finished(): void {
    this.#inside--;
    this.#admission?.leave();
    this.#checkStopped();
  }

  #checkStopped(): void {
    if (this.inflightCount === 0) this.#stopped?.resolve();
  }
}
