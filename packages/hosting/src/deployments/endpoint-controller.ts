import { sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { RoutingTable } from '../routing/index.ts';
import { type Deployment, type PendingChange, withTargets } from './deployment.ts';
import type { EndpointRecord, EndpointRecords } from './endpoint-records.ts';
import { Fleet, type FleetEnvironment } from './fleet.ts';
import { trafficPlan } from './traffic-plan.ts';

export interface ControllerOptions {
  readonly name: string;
  readonly records: EndpointRecords;
  readonly routing: RoutingTable;
  readonly environment: FleetEnvironment;
  /** The endpoint's unpacked copies may have changed: time to look for unused ones. */
  readonly onReleased: () => void;
}

const RECOVERY_RETRY_MS = 5000;

/**
 * Drives one endpoint to where its record says it should be. Each change is in the record before it is acted on, so a host that is killed at any
 * point finds out from the record what is left to do. One change runs at a time; only deletion and the host's stop interrupt it.
 */
export class EndpointController {
  readonly #options: ControllerOptions;
  #serving: Fleet | undefined;
  #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** The fleet that takes requests, for DescribeEndpoint. */
  get serving(): Fleet | undefined {
    return this.#serving;
  }

  /** Resolves when the change that is under way has ended, and old fleets are gone. */
  async settled(): Promise<void> {
    await this.#work;
    await Promise.all(this.#retiring);
  }

  /** Carries out the change that the record holds: the first fleet, an update, new weights or counts. */
  begin(): void {
    this.#run(async (signal) => {
      const { pending } = this.#record();
      if (pending) await this.#carryOut(pending, signal);
    });
  }

  /** After a start of the host: brings back what served, then goes on with the change that was under way. */
  recover(): void {
    this.#run(async (signal) => {
      const { active, pending, status } = this.#record();
      if (active && status !== 'Failed') await this.#bringBack(active, signal);
      if (signal.aborted) return;
      if (pending && status !== 'RollingBack') await this.#carryOut(pending, signal);
      else if (status === 'RollingBack') this.#transition('rolled-back', { pending: null });
      else if (status === 'SystemUpdating') this.#transition('ready', { failureReason: null });
    });
  }

  /** Ends everything and removes the record. */
  async remove(): Promise<void> {
    await this.#halt();
    this.#options.records.remove(this.#options.name);
    this.#options.onReleased();
  }

  /** Ends the instances; the record stays as it is and the next host goes on from it. */
  async shutDown(): Promise<void> {
    await this.#halt();
  }

  #record(): EndpointRecord {
    const record = this.#options.records.get(this.#options.name);
    if (!record) throw new Error(`endpoint '${this.#options.name}' has no record`);
    return record;
  }

  #transition(
    ...[event, changes]: Parameters<EndpointRecords['transition']> extends [string, ...infer Rest] ? Rest : never
  ): void {
    const record = this.#options.records.transition(this.#options.name, event, changes);
    this.#options.environment.log.info('endpoint changed', {
      endpoint: record.name,
      status: record.status,
      ...(record.failureReason !== undefined && { failureReason: record.failureReason }),
    });
  }

  #run(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stop;
    this.#work = this.#work
      .then(() => (signal.aborted ? undefined : work(signal)))
      .catch((error: unknown) => {
        this.#options.environment.log.error('a change of an endpoint broke off', {
          endpoint: this.#options.name,
          error,
        });
      });
  }

  async #halt(): Promise<void> {
    this.#options.routing.remove(this.#options.name);
    this.#stop.abort(new Error('the endpoint is being deleted or the host is stopping'));
    await this.#work;
    await this.#serving?.stop();
    this.#serving = undefined;
    await Promise.all(this.#retiring);
  }

  async #carryOut(pending: PendingChange, signal: AbortSignal): Promise<void> {
    switch (pending.kind) {
      case 'create':
        return this.#create(pending.deployment, signal);
      case 'update':
        return this.#update(pending, signal);
      case 'scale':
        return this.#scale(pending, signal);
    }
  }

  async #create(deployment: Deployment, signal: AbortSignal): Promise<void> {
    const started = await this.#launch(deployment, signal);
    if (signal.aborted) return;
    if (started.fleet) {
      this.#serve(started.fleet);
      this.#transition('ready', { active: started.fleet.deployment, pending: null, failureReason: null });
    } else {
      this.#transition('failed', { pending: null, failureReason: started.reason });
      this.#options.onReleased();
    }
  }

  async #update(pending: PendingChange & { kind: 'update' }, signal: AbortSignal): Promise<void> {
    const instances = pending.deployment.variants.reduce((sum, variant) => sum + variant.desiredCount, 0);
    const plan = trafficPlan(pending.deploymentConfig, instances);
    const timeout = plan.timeoutMs === undefined ? [] : [AbortSignal.timeout(plan.timeoutMs)];
    const limit = AbortSignal.any([signal, ...timeout]);
    const started = await this.#launch(pending.deployment, limit);
    const green = started.fleet;
    const shifted = green !== undefined && (await this.#shiftTraffic(green, plan.steps, limit));
    if (signal.aborted) {
      await green?.stop();
      return;
    }
    if (!green || !shifted) {
      const reason = limit.aborted ? 'The update took longer than MaximumExecutionTimeoutInSeconds.' : started.reason;
      await this.#rollBack(green, reason);
      return;
    }
    const blue = this.#serving;
    this.#serve(green);
    await sleep(this.#options.environment.clock, plan.terminationWaitMs, signal);
    if (signal.aborted) {
      if (blue) this.#retire(blue);
      return;
    }
    this.#transition('ready', {
      active: green.deployment,
      pending: null,
      failureReason: null,
      configName: green.deployment.config.EndpointConfigName,
      ...(pending.deploymentConfig && { lastDeploymentConfig: pending.deploymentConfig }),
    });
    if (blue) this.#retire(blue);
  }

  async #shiftTraffic(
    green: Fleet,
    steps: readonly { share: number; waitMs: number }[],
    limit: AbortSignal,
  ): Promise<boolean> {
    const { routing, name, environment } = this.#options;
    const blue = this.#serving;
    for (const { share, waitMs } of steps) {
      if (limit.aborted) return false;
      if (blue && share < 1) routing.split(name, blue.route, green.route, share);
      else routing.set(name, green.route);
      await sleep(environment.clock, waitMs, limit);
    }
    return !limit.aborted;
  }

  async #rollBack(green: Fleet | undefined, reason: string): Promise<void> {
    this.#transition('failed', { failureReason: reason });
    if (this.#serving) this.#options.routing.set(this.#options.name, this.#serving.route);
    await green?.stop();
    this.#transition('rolled-back', { pending: null });
    this.#options.onReleased();
  }

  async #scale(pending: PendingChange & { kind: 'scale' }, signal: AbortSignal): Promise<void> {
    const fleet = this.#serving;
    const { active } = this.#record();
    if (!fleet || !active) throw new Error('an endpoint without a fleet cannot be scaled');
    const wanted = withTargets(active, pending.targets);
    try {
      await applyTargets(fleet, wanted);
      if (signal.aborted) return;
      this.#transition('ready', { active: wanted, pending: null, failureReason: null });
    } catch (error) {
      if (signal.aborted) return;
      this.#transition('failed', { failureReason: messageOf(error) });
      await applyTargets(fleet, active);
      this.#transition('rolled-back', { pending: null });
    }
  }

  /** A fleet that is up, or the reason why it is not; then nothing of it is left. */
  async #launch(deployment: Deployment, signal: AbortSignal): Promise<{ fleet?: Fleet; reason: string }> {
    let fleet: Fleet | undefined;
    try {
      fleet = await Fleet.prepare(this.#options.name, deployment, this.#options.environment, {
        persistent: false,
        signal,
      });
      const stopped = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      await Promise.race([fleet.start(), stopped]);
      return { fleet, reason: '' };
    } catch (error) {
      await fleet?.stop();
      return { reason: messageOf(error) };
    }
  }

  /** Brings a deployment back that has served before: it takes requests as soon as its instances are up, and is tried until they are. */
  async #bringBack(deployment: Deployment, signal: AbortSignal): Promise<void> {
    const { environment, name, records } = this.#options;
    while (!signal.aborted) {
      try {
        const fleet = await Fleet.prepare(name, deployment, environment, { persistent: true, signal });
        this.#serve(fleet);
        const stopped = new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        await Promise.race([fleet.start(), stopped]);
        return;
      } catch (error) {
        if (signal.aborted) return;
        environment.log.error('an endpoint could not be brought back yet', { endpoint: name, error });
        records.amend(name, { failureReason: messageOf(error) });
        await sleep(environment.clock, RECOVERY_RETRY_MS, signal);
      }
    }
  }

  #serve(fleet: Fleet): void {
    this.#serving = fleet;
    this.#options.routing.set(this.#options.name, fleet.route);
  }

  #retire(fleet: Fleet): void {
    const gone = fleet.stop().then(() => {
      this.#retiring.delete(gone);
      this.#options.onReleased();
    });
    this.#retiring.add(gone);
  }
}

async function applyTargets(fleet: Fleet, wanted: Deployment): Promise<void> {
  for (const variant of wanted.variants) fleet.setWeight(variant.name, variant.desiredWeight);
  await Promise.all(wanted.variants.map((variant) => fleet.scale(variant.name, variant.desiredCount)));
}
