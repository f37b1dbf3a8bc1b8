import {
  type Clock,
  type ModelSignature,
  type ScheduledRequest,
  type Scheduler,
  stoppingError,
  type WorkQueue,
} from '../inference/index.ts';
import { EnsembleRun, type RunContext } from './ensemble-run.ts';
import { PlanCache } from './plan.ts';
import type { StepGraph } from './step-graph.ts';
import type { StepResolver } from './step-model.ts';

/** The scheduler of an ensemble: instead of an instance, a request gets a run through the steps. */
export class EnsembleScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #plans: PlanCache;
  readonly #context: RunContext;
  #inflight = 0;
  #stopped: PromiseWithResolvers<void> | undefined;

  constructor(graph: StepGraph, signature: ModelSignature, resolve: StepResolver, workQueue: WorkQueue, clock: Clock) {
    this.#clock = clock;
    this.#plans = new PlanCache(graph);
    this.#context = {
      graph,
      optionalInputs: signature.inputs.map((input) => input.optional),
      batches: signature.maxBatchSize > 0,
      decoupled: signature.decoupled,
      workQueue,
      resolve,
      finished: () => this.#finished(),
    };
  }

  get inflightCount(): number {
    return this.#inflight;
  }

  enqueue(request: ScheduledRequest): void {
    if (this.#stopped !== undefined) throw stoppingError(request.request);
    request.queuedNs = this.#clock.nowNs();
    this.#inflight++;
    this.#context.workQueue.run(new EnsembleRun(this.#context, request, this.#plans.for(request.requestedOutputs)));
  }

  stop(): Promise<void> {
    this.#stopped ??= Promise.withResolvers<void>();
    if (this.#inflight === 0) this.#stopped.resolve();
    return this.#stopped.promise;
  }

  #finished(): void {
    this.#inflight--;
    if (this.#inflight === 0) this.#stopped?.resolve();
  }
}
