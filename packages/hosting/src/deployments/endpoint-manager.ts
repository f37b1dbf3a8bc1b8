import { rm } from 'node:fs/promises';
import type { RoutingTable } from '../routing/index.ts';
import { cacheKeysOf, instanceCount } from './deployment.ts';
import { EndpointController } from './endpoint-controller.ts';
import type { EndpointRecord, EndpointRecords } from './endpoint-records.ts';
import type { Fleet, FleetEnvironment } from './fleet.ts';

export interface EndpointManagerOptions {
  readonly records: EndpointRecords;
  readonly routing: RoutingTable;
  readonly environment: FleetEnvironment;
}

/** Instances that an endpoint has, or will have once its change is done. */
export function plannedInstances(record: EndpointRecord): number {
  if (record.status === 'Failed' || record.status === 'Deleting') return 0;
  const { active, pending } = record;
  if (pending && pending.kind !== 'scale') return instanceCount(pending.deployment);
  if (!active) return 0;
  const counts = new Map(active.variants.map((variant) => [variant.name, variant.desiredCount]));
  for (const { name, desiredCount } of pending?.targets ?? []) {
    if (desiredCount !== undefined) counts.set(name, desiredCount);
  }
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** All endpoints of the host: one controller each. */
export class EndpointManager {
  readonly #options: EndpointManagerOptions;
  readonly #controllers = new Map<string, EndpointController>();
  readonly #removals = new Set<Promise<void>>();
  #isClosing = false;

  constructor(options: EndpointManagerOptions) {
    this.#options = options;
  }

  /** Goes on where an earlier host stopped, or was killed. Statuses are right at once; the endpoints come up after the promise has resolved. */
  async recover(): Promise<void> {
    const { records, environment } = this.#options;
    const found = records.all().filter(({ status }) => status !== 'Failed');
    for (const { name, status } of found) if (status !== 'Deleting') records.transition(name, 'restart');
    // Models of multi-model endpoints are fetched anew by the instances that need them.
    await rm(environment.multiModelDirectory, { recursive: true, force: true });
    await this.#collect();
    if (this.#isClosing) return;
    for (const { name, status } of found) {
      const controller = this.#controller(name);
      if (status === 'Deleting') this.#remove(name, controller);
      else controller.recover();
    }
  }

  /** Carries out what the endpoint's record now asks for. */
  apply(name: string): void {
    this.#controller(name).begin();
  }

  /** Ends an endpoint whose record says Deleting. */
  remove(name: string): void {
    this.#remove(name, this.#controller(name));
  }

  serving(name: string): Fleet | undefined {
    return this.#controllers.get(name)?.serving;
  }

  /** Resolves when the change that is under way for an endpoint has ended. */
  async settled(name: string): Promise<void> {
    await this.#controllers.get(name)?.settled();
    await Promise.all(this.#removals);
  }

  /** Ends all instances. Records stay: the next host brings the endpoints back. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#controllers.values()].map((controller) => controller.shutDown()));
    await Promise.all(this.#removals);
  }

  #controller(name: string): EndpointController {
    const known = this.#controllers.get(name);
    if (known) return known;
    const controller = new EndpointController({
      ...this.#options,
      name,
      onReleased: () => {
        if (!this.#isClosing) void this.#collect();
      },
    });
    this.#controllers.set(name, controller);
    return controller;
  }

  #remove(name: string, controller: EndpointController): void {
    // A new endpoint of this name gets a controller of its own.
    const removal = controller.remove().then(() => {
      this.#removals.delete(removal);
      if (this.#controllers.get(name) === controller) this.#controllers.delete(name);
    });
    this.#removals.add(removal);
  }

  async #collect(): Promise<void> {
    const needed = new Set(
      this.#options.records
        .all()
        .flatMap(({ active, pending }) => [
          ...cacheKeysOf(active),
          ...(pending && pending.kind !== 'scale' ? cacheKeysOf(pending.deployment) : []),
        ]),
    );
    try {
      await this.#options.environment.artifacts.collect(needed);
    } catch (error) {
      this.#options.environment.log.warn('unused model data could not be removed', { error });
    }
  }
}
