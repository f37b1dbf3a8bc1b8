import type { ContainerAddress } from '../instances/index.ts';
import { ContainerConnection } from './container-connection.ts';

const SWEEP_MS = 1000;

/** Kept connections to containers, by address. */
export class ConnectionPool {
  readonly #idle = new Map<string, ContainerConnection[]>();
  readonly #all = new Set<ContainerConnection>();
  #sweep: NodeJS.Timeout | undefined;

  /** A connection that carries nothing: the one used last, so that the others may grow old; else a new one. */
  take({ host, port }: ContainerAddress): ContainerConnection {
    const key = `${host}:${port}`;
    const idle = this.#idle.get(key);
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      if (!kept.isGone && performance.now() < kept.usableUntilMs) return kept;
      kept.destroy();
    }
    const connection: ContainerConnection = new ContainerConnection(
      { host, port },
      { onIdle: () => this.#keep(key, connection), onGone: () => this.#all.delete(connection) },
    );
    this.#all.add(connection);
    return connection;
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const connection of this.#all) connection.destroy();
  }

  #keep(key: string, connection: ContainerConnection): void {
    const idle = this.#idle.get(key);
    if (idle) idle.push(connection);
    else this.#idle.set(key, [connection]);
    this.#sweep ??= setInterval(() => this.#dropOld(), SWEEP_MS).unref();
  }

  #dropOld(): void {
    const now = performance.now();
    for (const [key, idle] of this.#idle) {
      const fresh = idle.filter((connection) => !connection.isGone && now < connection.usableUntilMs);
      for (const connection of idle) if (!fresh.includes(connection)) connection.destroy();
      if (fresh.length > 0) this.#idle.set(key, fresh);
      else this.#idle.delete(key);
    }
    if (this.#idle.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
