import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TASKSET = ['/usr/bin/taskset', '/bin/taskset'];

/** Cores for an instance when `instances` share a machine of `cores`. */
export function cpuShare(cores: number, instances: number): number {
  return Math.max(1, Math.floor(cores / Math.max(1, instances)));
}

/**
 * Hands out cores: each instance gets those that the fewest others use. A pinned process counts its cores (`os.availableParallelism()`) and sizes
 * its thread pools by them, so instances do not fight over the machine.
 */
export class CpuAllocator {
  readonly #users: number[];
  readonly #taskset: string | undefined;

  constructor(
    cores: number = availableParallelism(),
    taskset: string | undefined = TASKSET.find((path) => existsSync(path)),
  ) {
    this.#users = Array.from({ length: cores }, () => 0);
    this.#taskset = taskset;
  }

  get cores(): number {
    return this.#users.length;
  }

  /** Takes `count` cores until `release` is called. `wrap` puts the pinning in front of a command; it does nothing where all cores are taken or Linux's taskset is missing. */
  take(count: number): {
    readonly cpus: readonly number[];
    wrap(command: readonly string[]): string[];
    release(): void;
  } {
    const cpus = this.#users
      .map((users, cpu) => ({ users, cpu }))
      .sort((a, b) => a.users - b.users || a.cpu - b.cpu)
      .slice(0, count)
      .map(({ cpu }) => cpu)
      .sort((a, b) => a - b);
    for (const cpu of cpus) this.#users[cpu] = (this.#users[cpu] ?? 0) + 1;
    let held = true;
    return {
      cpus,
      wrap: (command) => {
        if (this.#taskset === undefined || cpus.length >= this.#users.length) return [...command];
        return [this.#taskset, '-c', cpus.join(','), ...command];
      },
      release: () => {
        if (!held) return;
        held = false;
        for (const cpu of cpus) this.#users[cpu] = (this.#users[cpu] ?? 1) - 1;
      },
    };
  }
}
