import { Fifo, type ScheduledRequest } from '../../inference/index.ts';
import { queueFullError } from '../scheduler-errors.ts';
import type { BatchingPolicy, QueuePolicy } from './policy.ts';

interface Waiting {
  readonly request: ScheduledRequest;
  /** When it came into this queue, monotonic nanoseconds. */
  readonly sinceNs: number;
  /** When its queue timeout ends, monotonic nanoseconds; Infinity for none. */
  readonly deadlineNs: number;
}

/** Requests of one priority: fresh ones in order, behind them those whose timeout has passed and whose policy is DELAY. */
class Level {
  readonly policy: QueuePolicy;
  readonly fresh = new Fifo<Waiting>();
  readonly delayed = new Fifo<Waiting>();

  constructor(policy: QueuePolicy) {
    this.policy = policy;
  }

  get length(): number {
    return this.fresh.length + this.delayed.length;
  }

  at(index: number): Waiting | undefined {
    return index < this.fresh.length ? this.fresh.at(index) : this.delayed.at(index - this.fresh.length);
  }
}

/**
 * The queue of a dynamic batcher: priority levels, each with its queue policy. Knows nothing of time beyond the `nowNs` it is given.
 */
export class PolicyQueue {
  readonly #policy: BatchingPolicy;
  readonly #levels: Level[];
  #length = 0;
  /** No timeout ends before this. */
  #nextDeadlineNs = Number.POSITIVE_INFINITY;

  constructor(policy: BatchingPolicy) {
    this.#policy = policy;
    const count = Math.max(1, policy.priorityLevels);
    this.#levels = Array.from(
      { length: count },
      (_, index) => new Level(policy.queueByPriority.get(index + 1) ?? policy.defaultQueue),
    );
  }

  get length(): number {
    return this.#length;
  }

  get nextDeadlineNs(): number {
    return this.#nextDeadlineNs;
  }

  /** Throws UNAVAILABLE when the queue of the request's priority is full. */
  push(request: ScheduledRequest, nowNs: number): void {
    const level = this.#levelOf(request);
    const { policy } = level;
    if (policy.maxSize > 0 && level.length >= policy.maxSize) throw queueFullError(request.request);
    const deadlineNs = nowNs + timeoutMicros(policy, request) * 1000;
    level.fresh.push({ request, sinceNs: nowNs, deadlineNs });
    if (deadlineNs < this.#nextDeadlineNs) this.#nextDeadlineNs = deadlineNs;
    this.#length++;
  }

  /** The request that is `index` places behind the first one to be served. */
  at(index: number): Waiting | undefined {
    let rest = index;
    for (const level of this.#levels) {
      if (rest < level.length) return level.at(rest);
      rest -= level.length;
    }
    return undefined;
  }

  /** Removes the first `count` requests and returns them in order. */
  take(count: number): ScheduledRequest[] {
    const taken: ScheduledRequest[] = [];
    for (const level of this.#levels) {
      while (taken.length < count && level.length > 0) {
        const waiting = level.fresh.shift() ?? level.delayed.shift();
        if (waiting !== undefined) taken.push(waiting.request);
      }
    }
    this.#length -= taken.length;
    if (this.#length === 0) this.#nextDeadlineNs = Number.POSITIVE_INFINITY;
    return taken;
  }

  /** Applies timeouts: moves what is delayed, removes and returns what is refused. */
  expire(nowNs: number): ScheduledRequest[] {
    if (nowNs < this.#nextDeadlineNs) return [];
    const refused: ScheduledRequest[] = [];
    this.#nextDeadlineNs = Number.POSITIVE_INFINITY;
    for (const level of this.#levels) {
      for (const waiting of level.fresh.extract(({ deadlineNs }) => deadlineNs <= nowNs)) {
        if (level.policy.rejectExpired) refused.push(waiting.request);
        else level.delayed.push(waiting);
      }
      for (let index = 0; index < level.fresh.length; index++) {
        const deadlineNs = level.fresh.at(index)?.deadlineNs ?? Number.POSITIVE_INFINITY;
        if (deadlineNs < this.#nextDeadlineNs) this.#nextDeadlineNs = deadlineNs;
      }
    }
    this.#length -= refused.length;
    return refused;
  }

  /** Removes and returns the requests whose client has gone. */
  removeCancelled(): ScheduledRequest[] {
    const isCancelled = ({ request }: Waiting) => request.request.cancellation.cancelled;
    const removed = this.#levels.flatMap((level) => [
      ...level.fresh.extract(isCancelled),
      ...level.delayed.extract(isCancelled),
    ]);
    this.#length -= removed.length;
    return removed.map(({ request }) => request);
  }

  /** Whether a request like this one would be refused for want of room. */
  isFullFor(request: ScheduledRequest): boolean {
    const level = this.#levelOf(request);
    return level.policy.maxSize > 0 && level.length >= level.policy.maxSize;
  }

  #levelOf(request: ScheduledRequest): Level {
    const { priorityLevels, defaultPriority } = this.#policy;
    if (priorityLevels === 0) return this.#levels[0]!;
    const asked = request.request.priority;
    const priority = asked === 0 || asked > priorityLevels ? defaultPriority : asked;
    return this.#levels[Math.max(1, priority) - 1]!;
  }
}

/** Infinity for none. A request may only shorten the default, and only where the policy lets it. */
function timeoutMicros(policy: QueuePolicy, request: ScheduledRequest): number {
  const own = request.request.timeoutMicros;
  const timeout = policy.allowOverride && own > 0 && own < policy.timeoutMicros ? own : policy.timeoutMicros;
  return timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
}
