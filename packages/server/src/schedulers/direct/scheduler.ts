import {
  type Clock,
  cancelledError,
  errorResponse,
  Fifo,
  type ScheduledRequest,
  type Scheduler,
  stoppingError,
} from '../../inference/index.ts';
import { DrainLoop } from '../drain-loop.ts';
import { type Executors, InstancePool } from '../instance-pool.ts';
import { Stopping } from '../stopping.ts';

/**
 * The scheduler of a model without `dynamic_batching` and `sequence_batching`: requests go one by one, in order, to whichever instance is
 * idle. There is no queue policy, so no timeout and no limit.
 */
export class DirectScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #pool: InstancePool;
  readonly #queue = new Fifo<ScheduledRequest>();
  readonly #loop: DrainLoop;
  readonly #stopping = new Stopping(() => this.inflightCount);

  constructor(executors: Executors) {
    this.#clock = executors.clock;
    this.#loop = new DrainLoop(() => this.#dispatchNext(), this.#clock);
    this.#pool = new InstancePool(executors, () => this.#loop.kick());
  }

  get inflightCount(): number {
    return this.#queue.length + this.#pool.executingCount;
  }

  get pendingCount(): number {
    return this.#queue.length;
  }

  enqueue(request: ScheduledRequest): void {
    if (this.#stopping.requested) throw stoppingError(request.request);
    request.queuedNs = this.#clock.nowNs();
    this.#queue.push(request);
    this.#loop.kick();
  }

  stop(): Promise<void> {
    return this.#stopping.request();
  }

  #dispatchNext(): boolean {
    const next = this.#queue.peek();
    if (next === undefined) {
      this.#stopping.check();
      return false;
    }
    if (next.request.cancellation.cancelled) {
      this.#queue.shift();
      next.respond(errorResponse(next, cancelledError()), true);
      return true;
    }
    if (!this.#pool.acquire()) return false;
    this.#queue.shift();
    this.#pool.execute([next], Math.max(1, next.batchSize));
    return true;
  }
}
