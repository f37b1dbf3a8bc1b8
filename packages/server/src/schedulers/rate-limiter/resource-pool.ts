import { StatusError } from '@nereid/protocol';

/** What an execution on an instance takes: resource name -> count. */
export interface ResourceNeeds {
  /** Shared by all devices. */
  readonly global: ReadonlyMap<string, number>;
  /** Of the instance's device; this server has one, the CPU. */
  readonly device: ReadonlyMap<string, number>;
}

/** One `--rate-limit-resource`. */
export interface RateLimitResource {
  readonly name: string;
  readonly count: number;
  /** Undefined: every device. */
  readonly device: number | undefined;
}

/** The number that Triton gives to the CPU's instances. */
const CPU_DEVICE = 0;

/**
 * How much of each resource there is and how much is taken. Without flags a resource has as much as the neediest instance takes, so instances that
 * name it exclude each other as far as their counts say; with flags there is only what they list. Of several for one resource the largest counts.
 */
export class ResourcePool {
  /** Undefined without flags. */
  readonly #explicit: ResourceNeeds | undefined;
  readonly #needs: ResourceNeeds[] = [];
  readonly #taken = new Map<string, number>();

  constructor(explicit: readonly RateLimitResource[]) {
    if (explicit.length === 0) return;
    const ofCpu = explicit.filter(({ device }) => device === undefined || device === CPU_DEVICE);
    this.#explicit = { global: largestCounts(explicit), device: largestCounts(ofCpu) };
  }

  /** Makes room for what instances need. Throws StatusError INVALID_ARG when no amount of waiting could give it to them. */
  add(all: readonly ResourceNeeds[]): void {
    for (const needs of all) {
      this.#checkKinds(needs);
      for (const kind of ['global', 'device'] as const) {
        for (const [name, count] of needs[kind]) this.#checkLimit(kind, name, count);
      }
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
    if (wanted.some(([name, count]) => (this.#taken.get(name) ?? 0) + count > this.#amount(needs, name))) return false;
    for (const [name, count] of wanted) this.#taken.set(name, (this.#taken.get(name) ?? 0) + count);
    return true;
  }

  giveBack(needs: ResourceNeeds): void {
    for (const [name, count] of [...needs.global, ...needs.device]) {
      this.#taken.set(name, (this.#taken.get(name) ?? 0) - count);
    }
  }

  #amount(needs: ResourceNeeds, name: string): number {
    if (this.#explicit !== undefined) {
      return this.#explicit[needs.global.has(name) ? 'global' : 'device'].get(name) ?? 0;
    }
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

  #checkLimit(kind: keyof ResourceNeeds, name: string, count: number): void {
    if (this.#explicit === undefined) return;
    const limit = this.#explicit[kind].get(name) ?? 0;
    if (count <= limit) return;
    throw new StatusError(
      'INVALID_ARG',
      `Resource count for "${name}" is limited to ${limit} which will prevent scheduling of one or more model instances, the minimum required count is ${count}`,
    );
  }
}

function largestCounts(resources: readonly RateLimitResource[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name, count } of resources) counts.set(name, Math.max(count, counts.get(name) ?? 0));
  return counts;
}
