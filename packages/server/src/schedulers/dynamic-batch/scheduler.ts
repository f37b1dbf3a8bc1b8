import type { StatusError } from '@nereid/protocol';
import {
  type Clock,
  cancelledError,
  errorResponse,
  type ModelSignature,
  type ScheduledRequest,
  type Scheduler,
  stoppingError,
  Timer,
} from '../../inference/index.ts';
import { DrainLoop } from '../drain-loop.ts';
import { type BatchExtras, type Executors, InstancePool } from '../instance-pool.ts';
import { timeoutError } from '../scheduler-errors.ts';
import { Stopping } from '../stopping.ts';
import { type Compatibility, formBatch, weightOf } from './batch-former.ts';
import { batchCompatibility } from './compatibility.ts';
import { OrderKeeper } from './order-keeper.ts';
import type { BatchingPolicy } from './policy.ts';
import { PolicyQueue } from './queue.ts';
import { TurnGate } from './turn-gate.ts';

export interface DynamicBatchOptions {
  /** TRITONSERVER_DELAY_SCHEDULER: hold everything back, timeouts too, once, until this many requests wait. */
  readonly startAfter?: number;
  /** Lets batches form of what one turn of the event loop brings; see TurnGate. Requests are dispatched as they come when not given. */
  readonly defer?: (callback: () => void) => void;
  /** For a scheduler that feeds this one. */
  readonly feeder?: BatchFeeder;
  /** Which requests may share an execution, instead of those whose shapes agree. */
  readonly compatible?: Compatibility | undefined;
}

/** What a scheduler adds that puts its requests through a dynamic batcher. */
export interface BatchFeeder {
  /** Tensors of the feeder's own for a batch. */
  extras(requests: readonly ScheduledRequest[]): BatchExtras;
  /** Called when requests are over, executed or refused. */
  over(requests: readonly ScheduledRequest[]): void;
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
  readonly #feeder: BatchFeeder | undefined;
  readonly #gate: TurnGate | undefined;
  readonly #loop: DrainLoop;
  readonly #stopping = new Stopping(() => this.inflightCount);
  readonly #timer: Timer;
  #startAfter: number;

  constructor(
    policy: BatchingPolicy,
    signature: ModelSignature,
    executors: Executors,
    options: DynamicBatchOptions = {},
  ) {
    this.#policy = policy;
    this.#clock = executors.clock;
    this.#queue = new PolicyQueue(policy);
    this.#compatible = options.compatible ?? batchCompatibility(signature);
    this.#feeder = options.feeder;
    this.#gate = options.defer && new TurnGate(options.defer, () => this.#loop.kick());
    this.#order = policy.preserveOrdering ? new OrderKeeper() : undefined;
    this.#loop = new DrainLoop(() => this.#dispatchNext(), this.#clock);
    this.#pool = new InstancePool(executors, (requests) => {
      this.#feeder?.over(requests);
      this.#loop.kick();
    });
    this.#timer = new Timer(executors.clock, () => this.#loop.kick());
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
    if (request.queuedNs === 0) request.queuedNs = nowNs;
    if (this.#queue.isFullFor(request)) this.#dropCancelled();
    this.#queue.push(request, nowNs);
    if (this.#queue.length >= this.#startAfter) this.#startAfter = 0;
    const isFull = this.#queue.length >= this.#policy.maxPreferredSize;
    if (this.#gate === undefined || this.#gate.arrive() || isFull) this.#loop.kick();
  }

  stop(): Promise<void> {
    this.#startAfter = 0;
    const stopped = this.#stopping.request();
    this.#loop.kick();
    return stopped;
  }

  #dispatchNext(): boolean {
    const nowNs = this.#clock.nowNs();
    const isHolding = this.#startAfter > 0;
    if (!isHolding) for (const request of this.#queue.refuseExpired(nowNs)) this.#refuse(request, timeoutError());
    this.#stopping.check();
    if (this.#queue.length === 0 || isHolding) {
      this.#timer.set(Number.POSITIVE_INFINITY, nowNs);
      return false;
    }
    const mayRun = this.#pool.hasIdle;
    if (mayRun) {
      this.#queue.delayExpired(nowNs);
      this.#queue.promote(nowNs);
    }
    const decision = mayRun ? formBatch(this.#queue, nowNs, this.#policy, this.#compatible) : undefined;
    if (decision?.kind === 'send' && this.#queue.hasCancelled(decision.count)) {
      // Others may take their place in the batch.
      this.#dropCancelled();
      return true;
    }
    if (decision?.kind === 'send' && this.#pool.acquire()) {
      this.#send(this.#queue.take(decision.count, nowNs));
      return true;
    }
    const delayEndNs = decision?.kind === 'wait' ? decision.untilNs : Number.POSITIVE_INFINITY;
    this.#timer.set(Math.min(delayEndNs, this.#queue.nextDeadlineNs), nowNs);
    return false;
  }

  #send(requests: readonly ScheduledRequest[]): void {
    let batchSize = 0;
    for (const request of requests) {
      this.#order?.admit(request);
      batchSize += weightOf(request);
    }
    this.#pool.execute(requests, batchSize, this.#feeder?.extras(requests));
  }

  #dropCancelled(): void {
    for (const request of this.#queue.removeCancelled()) this.#refuse(request, cancelledError());
  }

  #refuse(request: ScheduledRequest, error: StatusError): void {
    request.respond(errorResponse(request, error), true);
    this.#feeder?.over([request]);
  }
}
