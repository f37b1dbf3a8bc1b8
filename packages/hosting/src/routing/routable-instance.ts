import type { ContainerAddress } from '../instances/index.ts';

/** A healthy instance as the router sees it: where its containers listen, how much it is working on. */
export class RoutableInstance {
  readonly id: string;
  readonly containers: readonly ContainerAddress[];
  #outstanding = 0;
  #suspectUntilMs = 0;
  readonly #idleWaiters: (() => void)[] = [];

  constructor(id: string, containers: readonly ContainerAddress[]) {
    this.id = id;
    this.containers = containers;
  }

  /** Requests sent to it and not yet answered. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Counts a request until the returned function is called. */
  acquire(): () => void {
    this.#outstanding += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#outstanding -= 1;
      if (this.#outstanding === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
    };
  }

  /** It broke a connection off and may be dying: until `untilMs` others are preferred. */
  suspect(untilMs: number): void {
    this.#suspectUntilMs = untilMs;
  }

  isSuspect(nowMs: number): boolean {
    return nowMs < this.#suspectUntilMs;
  }

  /** Resolves when it works on nothing. */
  whenIdle(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }
}
