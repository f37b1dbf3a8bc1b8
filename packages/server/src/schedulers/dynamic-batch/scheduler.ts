import type { StatusError } from '@nereid/protocol';
import {
  type Clock,
  cancelledError,
  errorResponse,
  type ModelInstance,
  type ModelSignature,
  type ScheduledRequest,
  type Scheduler,
  stoppingError,
} from '../../inference/index.ts';
import type { StatisticsRecorder } from '../../observability/index.ts';
import { DrainLoop } from '../drain-loop.ts';
import { InstancePool } from '../instance-pool.ts';
import { timeoutError } from '../scheduler-errors.ts';
import { Stopping } from '../stopping.ts';
import { type Compatibility, formBatch, weightOf } from './batch-former.ts';
import { batchCompatibility } from './compatibility.ts';
import { OrderKeeper } from './order-keeper.ts';
import type { BatchingPolicy } from './policy.ts';
import { PolicyQueue } from './queue.ts';

export interface DynamicBatchOptions {
  /** TRITONSERVER_DELAY_SCHEDULER: hold everything back, once, until this many requests wait. */
  readonly startAfter?: number;
}

/**
 * The scheduler of a model with `dynamic_batching`: requests wait in a queue with priorities and policies; an idle instance gets the batch that
 * `formBatch` decides on.
 */
export class DynamicBatchScheduler implements Scheduler {
  readonly #policy: BatchingPolicy;
  readonly #clock: Clock;
  readonly #pool: InstancePool;
  readonly #queue: PolicyQueue;
  readonly #compatible: Compatibility | undefined;
  readonly #order: OrderKeeper | undefined;
  readonly #loop: DrainLoop;
  readonly #stopping = new Stopping(() => this.inflightCount);
  #startAfter: number;
  #cancelTimer: (() => void) | undefined;
  #timerNs = Number.POSITIVE_INFINITY;

  constructor(
    policy: BatchingPolicy,
    signature: ModelSignature,
    instances: readonly ModelInstance[],
    clock: Clock,
    statistics: StatisticsRecorder,
    options: DynamicBatchOptions = {},
  ) {
    this.#policy = policy;
    this.#clock = clock;
    this.#queue = new PolicyQueue(policy);
    this.#compatible = batchCompatibility(signature);
    this.#order = policy.preserveOrdering ? new OrderKeeper() : undefined;
    this.#loop = new DrainLoop(() => this.#dispatchNext());
    this.#pool = new InstancePool(instances, clock, statistics, () => this.#loop.kick());
    this.#startAfter = options.startAfter ?? 0;
  }

  get inflightCount(): number {
    return this.#queue.length + this.#pool.executingCount;
  }

  get pendingCount(): number {
    return this.#queue.length;
  }

  enqueue(request: ScheduledRequest): void {
    if (this.#stopping.requested) throw stoppingError(request.request);
    const nowNs = this.#clock.nowNs();
    request.queuedNs = nowNs;
    if (this.#queue.isFullFor(request)) this.#dropCancelled();
    this.#queue.push(request, nowNs);
    this.#order?.admit(request);
    if (this.#queue.length >= this.#startAfter) this.#startAfter = 0;
    this.#loop.kick();
  }

  stop(): Promise<void> {
    this.#startAfter = 0;
    const stopped = this.#stopping.request();
    this.#loop.kick();
    return stopped;
  }

  #dispatchNext(): boolean {
    const nowNs = this.#clock.nowNs();
    for (const request of this.#queue.expire(nowNs)) this.#refuse(request, timeoutError());
    this.#stopping.check();
    if (this.#queue.length === 0) return false;
    const decision =
      this.#pool.hasIdle && this.#startAfter === 0
        ? formBatch(this.#queue, nowNs, this.#policy, this.#compatible)
        : undefined;
    if (decision?.kind === 'send') {
      this.#send(this.#queue.take(decision.count));
      return true;
    }
    const delayEndNs = decision?.kind === 'wait' ? decision.untilNs : Number.POSITIVE_INFINITY;
    this.#wakeAt(Math.min(delayEndNs, this.#queue.nextDeadlineNs), nowNs);
    return false;
  }

  #send(requests: ScheduledRequest[]): void {
    let live = requests;
    if (requests.some(isCancelled)) {
      live = requests.filter((request) => !isCancelled(request));
      for (const request of requests) if (isCancelled(request)) this.#refuse(request, cancelledError());
    }
    if (live.length === 0) return;
    let batchSize = 0;
    for (const request of live) batchSize += weightOf(request);
    this.#pool.execute(live, batchSize);
  }

  #dropCancelled(): void {
    for (const request of this.#queue.removeCancelled()) this.#refuse(request, cancelledError());
  }

  #refuse(request: ScheduledRequest, error: StatusError): void {
    this.#order?.release(request);
    request.respond(errorResponse(request, error), true);
  }

  #wakeAt(timeNs: number, nowNs: number): void {
    if (timeNs === this.#timerNs) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerNs = timeNs;
    if (timeNs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#clock.schedule(Math.max(0, (timeNs - nowNs) / 1e6), () => {
      this.#timerNs = Number.POSITIVE_INFINITY;
      this.#cancelTimer = undefined;
      this.#loop.kick();
    });
  }
}

function isCancelled(request: ScheduledRequest): boolean {
  return request.request.cancellation.cancelled;
}
