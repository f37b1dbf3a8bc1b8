import type { Clock } from '../clock.ts';
import { sleep } from '../clock.ts';
import {
  type ContainerAddress,
  type Instance,
  type InstanceProvider,
  type InstanceSpec,
  InstanceStartError,
  InstanceSupervisor,
} from '../instances/index.ts';
import type { Log } from '../log.ts';
import { RoutableInstance, type VariantRoute } from '../routing/index.ts';

export interface VariantGroupOptions {
  readonly route: VariantRoute;
  readonly provider: InstanceProvider;
  readonly isHealthy: (containers: readonly ContainerAddress[]) => Promise<boolean>;
  readonly spec: () => Omit<InstanceSpec, 'instanceId'>;
  readonly startTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly stopGraceMs: number;
  readonly persistent: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** The instances of one variant: as many supervisors as the variant wants instances; the healthy ones are in its route. */
export class VariantGroup {
  readonly #options: VariantGroupOptions;
  readonly #supervisors: InstanceSupervisor[] = [];
  readonly #routable = new Map<string, RoutableInstance>();

  constructor(options: VariantGroupOptions) {
    this.#options = options;
  }

  get route(): VariantRoute {
    return this.#options.route;
  }

  get healthyCount(): number {
    return this.#supervisors.filter((supervisor) => supervisor.healthy).length;
  }

  /** Starts or drains instances until there are `count`. Rejects with InstanceStartError when a new one does not come up; those started with it go again. */
  async scaleTo(count: number): Promise<void> {
    const surplus = this.#supervisors.splice(count);
    const added = Array.from({ length: Math.max(0, count - this.#supervisors.length) }, () => this.#supervisor());
    this.#supervisors.push(...added);
    const starts = await Promise.allSettled([
      ...added.map((supervisor) => supervisor.start()),
      ...surplus.map((supervisor) => supervisor.stop()),
    ]);
    const failed = starts.find((start) => start.status === 'rejected');
    if (!failed) return;
    await Promise.all(added.map((supervisor) => supervisor.stop().catch(() => undefined)));
    for (const supervisor of added) {
      const at = this.#supervisors.indexOf(supervisor);
      if (at >= 0) this.#supervisors.splice(at, 1);
    }
    throw this.#explained(failed.reason);
  }

  /** Ends all instances, those that are still starting too. */
  async stop(): Promise<void> {
    await Promise.all(this.#supervisors.splice(0).map((supervisor) => supervisor.stop().catch(() => undefined)));
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof InstanceStartError)) return error;
    const { containers, variantName } = this.#options.spec();
    const name = containers[0]?.name ?? 'primary';
    return new InstanceStartError(
      `The ${name} container for production variant ${variantName} did not pass the ping health check. Please check CloudWatch logs for this endpoint. ${error.message}`,
      { cause: error },
    );
  }

  #supervisor(): InstanceSupervisor {
    const { provider, spec, isHealthy, startTimeoutMs, stopGraceMs, persistent, clock, log } = this.#options;
    return new InstanceSupervisor({
      provider,
      spec,
      isHealthy,
      startTimeoutMs,
      stopGraceMs,
      persistent,
      clock,
      log,
      onHealthy: (instance) => this.#add(instance),
      onDown: (instance, isDead) => this.#remove(instance, isDead),
    });
  }

  #add(instance: Instance): void {
    const routable = new RoutableInstance(instance.id, instance.containers);
    this.#routable.set(instance.id, routable);
    this.#options.route.instances.add(routable);
    // Dead already while its health check was under way: its route goes the moment the kernel says so, not with the next check.
    void instance.exited.then(() => this.#options.route.instances.delete(routable));
  }

  async #remove(instance: Instance, isDead: boolean): Promise<void> {
    const routable = this.#routable.get(instance.id);
    if (!routable) return;
    this.#routable.delete(instance.id);
    this.#options.route.instances.delete(routable);
    if (isDead) return;
    const { clock, drainTimeoutMs } = this.#options;
    const drained = new AbortController();
    await Promise.race([routable.whenIdle(), instance.exited, sleep(clock, drainTimeoutMs, drained.signal)]);
    drained.abort();
  }
}
