import { type RateLimitResource, type ResourceNeeds, ResourcePool } from './resource-pool.ts';

/** `rate_limiter` of an instance group. */
export interface InstanceLimits {
  readonly needs: ResourceNeeds;
  /** 2 gets half the executions of 1; 0 counts as 1. */
  readonly priority: number;
}

/**
 * Decides across models which instance may execute next (`--rate-limit=execution_count`): of those that wait, the one with the smallest
 * product of executions and priority. Nobody overtakes it, however little it needs, so nobody starves.
 */
export class RateLimiter {
  readonly #pool: ResourcePool;
  #waiting: Turn[] = [];
  #granting = false;

  /** @param resources `--rate-limit-resource`; there are no others then */
  constructor(resources: readonly RateLimitResource[]) {
    this.#pool = new ResourcePool(resources);
  }

  /**
   * Registers the instances of a model; each gets a turn to wait with.
   * @throws StatusError INVALID_ARG when the resources can never suffice
   */
  register(instances: readonly InstanceLimits[]): Turn[] {
    this.#pool.add(instances.map(({ needs }) => needs));
    return instances.map((limits) => new Turn(this, limits));
  }

  unregister(turns: readonly Turn[]): void {
    this.#waiting = this.#waiting.filter((turn) => !turns.includes(turn));
    this.#pool.remove(turns.map(({ limits }) => limits.needs));
    this.#grant();
  }

  /** For turns only. */
  enter(turn: Turn): void {
    if (!this.#waiting.includes(turn)) this.#waiting.push(turn);
    this.#grant();
  }

  /** For turns only. */
  leave(turn: Turn): void {
    const index = this.#waiting.indexOf(turn);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** For turns only. Whoever gave back may ask again before the next one is chosen. */
  giveBack(turn: Turn): void {
    this.#pool.giveBack(turn.limits.needs);
    queueMicrotask(() => this.#grant());
  }

  #grant(): void {
    // A granted instance that ends at once gives back inside this loop; the loop goes on then.
    if (this.#granting) return;
    this.#granting = true;
    try {
      for (let next = this.#first(); next !== undefined && this.#pool.take(next.limits.needs); next = this.#first()) {
        this.leave(next);
        next.grant();
      }
    } finally {
      this.#granting = false;
    }
  }

  #first(): Turn | undefined {
    let first: Turn | undefined;
    for (const turn of this.#waiting) if (first === undefined || turn.rank < first.rank) first = turn;
    return first;
  }
}

/** Triton's instances take a turn to be made and one to warm up, and both count. */
const EXECUTIONS_AT_START = 2;

/** An instance's place with the rate limiter. */
export class Turn {
  readonly limits: InstanceLimits;
  readonly #limiter: RateLimiter;
  #executions = EXECUTIONS_AT_START;
  #holds = false;
  #onGranted: (() => void) | undefined;

  constructor(limiter: RateLimiter, limits: InstanceLimits) {
    this.#limiter = limiter;
    this.limits = limits;
  }

  /** The smaller the sooner. */
  get rank(): number {
    return this.#executions * Math.max(1, this.limits.priority);
  }

  /** Asks for the resources. True: it has them. False: `onGranted` is called when it gets them. */
  ask(onGranted: () => void): boolean {
    if (this.#holds) return true;
    this.#onGranted = undefined;
    this.#limiter.enter(this);
    if (this.#holds) return true;
    this.#onGranted = onGranted;
    return false;
  }

  /** No longer wants them. */
  withdraw(): void {
    this.#onGranted = undefined;
    this.#limiter.leave(this);
  }

  /** Gives the resources back, after an execution or without one. */
  end(executed: boolean): void {
    if (!this.#holds) return;
    this.#holds = false;
    if (executed) this.#executions++;
    this.#limiter.giveBack(this);
  }

  /** For the limiter only. */
  grant(): void {
    this.#holds = true;
    const onGranted = this.#onGranted;
    this.#onGranted = undefined;
    onGranted?.();
  }
}
