import { StatusError } from '@nereid/protocol';

/** What an execution on an instance takes: resource name -> count. */
export interface ResourceNeeds {
  /** Shared by all devices. */
  readonly global: ReadonlyMap<string, number>;
  /** Of the instance's device; this server has one, the CPU. */
  readonly device: ReadonlyMap<string, number>;
}

/**
 * How much of each resource there is and how much is taken. A resource that no flag limits has as much as the neediest instance takes, so
 * instances that name it exclude each other as far as their counts say.
 */
export class ResourcePool {
  readonly #explicit: ReadonlyMap<string, number>;
  readonly #needs: ResourceNeeds[] = [];
  readonly #taken = new Map<string, number>();

  /** @param explicit `--rate-limit-resource` by name */
  constructor(explicit: ReadonlyMap<string, number>) {
    this.#explicit = explicit;
  }

  /** Makes room for what instances need. Throws StatusError INVALID_ARG when no amount of waiting could give it to them. */
  add(all: readonly ResourceNeeds[]): void {
    for (const needs of all) {
      this.#checkKinds(needs);
      for (const [name, count] of [...needs.global, ...needs.device]) this.#checkLimit(name, count);
    }
    this.#needs.push(...all);
  }

  remove(all: readonly ResourceNeeds[]): void {
    for (const needs of all) {
      const index = this.#needs.indexOf(needs);
      if (index >= 0) this.#needs.splice(index, 1);
    }
  }

  /** Takes everything or nothing. */
  take(needs: ResourceNeeds): boolean {
    const wanted = [...needs.global, ...needs.device];
    if (wanted.some(([name, count]) => (this.#taken.get(name) ?? 0) + count > this.#amount(name))) return false;
    for (const [name, count] of wanted) this.#taken.set(name, (this.#taken.get(name) ?? 0) + count);
    return true;
  }

  giveBack(needs: ResourceNeeds): void {
    for (const [name, count] of [...needs.global, ...needs.device]) {
      this.#taken.set(name, (this.#taken.get(name) ?? 0) - count);
    }
  }

  #amount(name: string): number {
    const explicit = this.#explicit.get(name);
    if (explicit !== undefined) return explicit;
    return this.#needs.reduce(
      (most, { global, device }) => Math.max(most, global.get(name) ?? 0, device.get(name) ?? 0),
      0,
    );
  }

  #checkKinds(needs: ResourceNeeds): void {
    const others = [...this.#needs, needs];
    for (const name of new Set([...needs.global.keys(), ...needs.device.keys()])) {
      if (others.some(({ global }) => global.has(name)) && others.some(({ device }) => device.has(name))) {
        throw new StatusError(
          'INVALID_ARG',
          `Resource "${name}" is present as both global and device-specific resource in the model configuration.`,
        );
      }
    }
  }

  #checkLimit(name: string, count: number): void {
    const limit = this.#explicit.get(name);
    if (limit === undefined || count <= limit) return;
    throw new StatusError(
      'INVALID_ARG',
      `Resource count for "${name}" is limited to ${limit} which will prevent scheduling of one or more model instances, the minimum required count is ${count}`,
    );
  }
}
