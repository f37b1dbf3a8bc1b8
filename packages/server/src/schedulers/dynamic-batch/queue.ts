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

/** Requests that are served in the order they came, after every lane before this one. */
class Lane {
  readonly waiting = new Fifo<Waiting>();
  /** When a request was last taken out, monotonic nanoseconds. */
  servedNs = 0;
}

/** Requests of one priority: fresh ones in order, behind them those whose timeout has passed and whose policy is DELAY. */
class Level {
  readonly policy: QueuePolicy;
  readonly fresh = new Lane();
  readonly delayed = new Lane();

  constructor(policy: QueuePolicy) {
    this.policy = policy;
  }

  get length(): number {
    return this.fresh.waiting.length + this.delayed.waiting.length;
  }
}

/**
 * The queue of a dynamic batcher: priority levels, each with its queue policy. Knows nothing of time beyond the `nowNs` it is given.
 */
export class PolicyQueue {
  readonly #policy: BatchingPolicy;
  readonly #levels: readonly Level[];
  /** In the order in which they are served. */
  readonly #lanes: readonly Lane[];
  /** The lane whose first request goes before everything else. */
  #promoted: Lane | undefined;
  #length = 0;
  /** No timeout that refuses ends before this. */
  #nextDeadlineNs = Number.POSITIVE_INFINITY;
  /** No timeout that delays ends before this. */
  #nextDelayNs = Number.POSITIVE_INFINITY;

  constructor(policy: BatchingPolicy) {
    this.#policy = policy;
    const count = Math.max(1, policy.priorityLevels);
    this.#levels = Array.from(
      { length: count },
      (_, index) => new Level(policy.queueByPriority.get(index + 1) ?? policy.defaultQueue),
    );
    this.#lanes = this.#levels.flatMap(({ fresh, delayed }) => [fresh, delayed]);
  }

  get length(): number {
    return this.#length;
  }

  /** When `refuseExpired` has something to do next. */
  get nextDeadlineNs(): number {
    return this.#nextDeadlineNs;
  }

  /** Throws UNAVAILABLE when the queue of the request's priority is full. */
  push(request: ScheduledRequest, nowNs: number): void {
    const level = this.#levelOf(request);
    const { policy } = level;
    if (policy.maxSize > 0 && level.length >= policy.maxSize) throw queueFullError(request.request);
    const deadlineNs = nowNs + timeoutMicros(policy, request) * 1000;
    level.fresh.waiting.push({ request, sinceNs: nowNs, deadlineNs });
    if (policy.rejectExpired) this.#nextDeadlineNs = Math.min(this.#nextDeadlineNs, deadlineNs);
    else this.#nextDelayNs = Math.min(this.#nextDelayNs, deadlineNs);
    this.#length++;
  }

  /**
   * Lets the first request of a lane that was passed over for `maxStarvationNs` go first, the longest passed over of several. Each lane
   * gets that once in such a time, so priorities hold for all but a bounded share of the requests, and nobody waits for ever.
   */
  promote(nowNs: number): void {
    this.#promoted = undefined;
    if (this.#length === 0) return;
    const { maxStarvationNs } = this.#policy;
    let longestNs = maxStarvationNs;
    let isFirst = true;
    for (const lane of this.#lanes) {
      const first = lane.waiting.peek();
      if (first === undefined) continue;
      const passedOverNs = nowNs - Math.max(first.sinceNs, lane.servedNs);
      if (!isFirst && passedOverNs >= longestNs) {
        this.#promoted = lane;
        longestNs = passedOverNs;
      }
      isFirst = false;
    }
  }

  /** The request that is `index` places behind the first one to be served. */
  at(index: number): Waiting | undefined {
    const promoted = this.#promoted;
    if (promoted !== undefined && index === 0) return promoted.waiting.peek();
    let rest = promoted === undefined ? index : index - 1;
    for (const lane of this.#lanes) {
      const skipped = lane === promoted ? 1 : 0;
      const length = lane.waiting.length - skipped;
      if (rest < length) return lane.waiting.at(rest + skipped);
      rest -= length;
    }
    return undefined;
  }

  /** Removes the first `count` requests and returns them in order. */
  take(count: number, nowNs: number): ScheduledRequest[] {
    const taken: ScheduledRequest[] = [];
    if (this.#promoted !== undefined && count > 0) this.#takeFrom(this.#promoted, 1, nowNs, taken);
    this.#promoted = undefined;
    for (const lane of this.#lanes) {
      if (taken.length === count) break;
      this.#takeFrom(lane, count, nowNs, taken);
    }
    this.#length -= taken.length;
    if (this.#length === 0) {
      this.#nextDeadlineNs = Number.POSITIVE_INFINITY;
      this.#nextDelayNs = Number.POSITIVE_INFINITY;
    }
    return taken;
  }

  /** Removes and returns the requests whose timeout has passed and whose policy is REJECT. */
  refuseExpired(nowNs: number): ScheduledRequest[] {
    if (nowNs < this.#nextDeadlineNs) return [];
    const refused: ScheduledRequest[] = [];
    this.#promoted = undefined;
    this.#nextDeadlineNs = Number.POSITIVE_INFINITY;
    for (const { policy, fresh } of this.#levels) {
      if (!policy.rejectExpired) continue;
      for (const { request } of extractExpired(fresh, nowNs)) refused.push(request);
      this.#nextDeadlineNs = Math.min(this.#nextDeadlineNs, nextDeadlineNs(fresh));
    }
    this.#length -= refused.length;
    return refused;
  }

  /**
   * Puts the requests whose timeout has passed and whose policy is DELAY behind the fresh ones. As in Triton that happens when a batch is
   * formed, so those that expired since the last one keep their order.
   */
  delayExpired(nowNs: number): void {
    if (nowNs < this.#nextDelayNs) return;
    this.#promoted = undefined;
    this.#nextDelayNs = Number.POSITIVE_INFINITY;
    for (const { policy, fresh, delayed } of this.#levels) {
      if (policy.rejectExpired) continue;
      for (const waiting of extractExpired(fresh, nowNs)) delayed.waiting.push(waiting);
      this.#nextDelayNs = Math.min(this.#nextDelayNs, nextDeadlineNs(fresh));
    }
  }

  /** Whether one of the first `count` requests has lost its client. */
  hasCancelled(count: number): boolean {
    for (let index = 0; index < count; index++) {
      if (this.at(index)?.request.request.cancellation.cancelled) return true;
    }
    return false;
  }

  /** Removes and returns the requests whose client has gone. */
  removeCancelled(): ScheduledRequest[] {
    const isCancelled = ({ request }: Waiting) => request.request.cancellation.cancelled;
    this.#promoted = undefined;
    const removed = this.#lanes.flatMap((lane) => lane.waiting.extract(isCancelled));
    this.#length -= removed.length;
    return removed.map(({ request }) => request);
  }

  /** Whether a request like this one would be refused for want of room. */
  isFullFor(request: ScheduledRequest): boolean {
    const level = this.#levelOf(request);
    return level.policy.maxSize > 0 && level.length >= level.policy.maxSize;
  }

  #takeFrom(lane: Lane, count: number, nowNs: number, taken: ScheduledRequest[]): void {
    while (taken.length < count) {
      const waiting = lane.waiting.shift();
      if (waiting === undefined) return;
      lane.servedNs = nowNs;
      taken.push(waiting.request);
    }
  }

  #levelOf(request: ScheduledRequest): Level {
    const { priorityLevels, defaultPriority } = this.#policy;
    if (priorityLevels === 0) return this.#levels[0]!;
    const asked = request.request.priority;
    const priority = asked === 0 || asked > priorityLevels ? defaultPriority : asked;
    return this.#levels[Math.max(1, priority) - 1]!;
  }
}

function extractExpired({ waiting }: Lane, nowNs: number): Waiting[] {
  return waiting.extract(({ deadlineNs }) => deadlineNs <= nowNs);
}

function nextDeadlineNs({ waiting }: Lane): number {
  let nextNs = Number.POSITIVE_INFINITY;
  for (let index = 0; index < waiting.length; index++)
    nextNs = Math.min(nextNs, waiting.at(index)?.deadlineNs ?? nextNs);
  return nextNs;
}

/** Infinity for none. A request may only shorten the default, and only where the policy lets it. */
function timeoutMicros(policy: QueuePolicy, request: ScheduledRequest): number {
  const own = request.request.timeoutMicros;
  const timeout = policy.allowOverride && own > 0 && own < policy.timeoutMicros ? own : policy.timeoutMicros;
  return timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
}
