import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { WorkerPool } from '@nereid/engine/image';
import type { WorkerSettings } from './runtime/messages.ts';

/**
 * How long threads wait for a model after the last one. A model that is loaded again soon finds them running. It also bounds a leak: each
 * thread that ends leaves 20 kB of koffi's tables behind, whatever is done.
 */
const IDLE_MS = 30_000;

/** A hold on the worker threads. */
export interface PoolLease {
  readonly pool: WorkerPool;
  /** When nobody holds them any more, and nobody comes in time, the threads are stopped. */
  release(): void;
}

/**
 * Worker threads that all DALI models of a server share: as many as the model that wants most, never more than the machine has processors. They exist only
 * while a model is loaded, and half a minute longer. Idle ones do not keep the process alive.
 */
export class SharedPool {
  #pool: WorkerPool | undefined;
  #leases = 0;
  #stopTimer: NodeJS.Timeout | undefined;

  acquire(threads: number, settings: WorkerSettings): PoolLease {
    const wanted = Math.min(threads, availableParallelism());
    clearTimeout(this.#stopTimer);
    this.#pool ??= new WorkerPool({
      script: workerScript(),
      name: 'nereid-dali',
      maxWorkers: wanted,
      workerData: settings,
    });
    this.#pool.growTo(wanted);
    this.#leases += 1;
    let isReleased = false;
    return {
      pool: this.#pool,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#leases -= 1;
        if (this.#leases === 0) this.#stopTimer = setTimeout(() => void this.#stop(), IDLE_MS).unref();
      },
    };
  }

  async #stop(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.close();
  }
}

/** The worker beside this file, TypeScript or compiled as this file is. */
function workerScript(): URL {
  return new URL(`./runtime/worker${extname(import.meta.url)}`, import.meta.url);
}
