import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { WorkerPool } from '@nereid/engine/image';
import type { WorkerSettings } from './runtime/messages.ts';

/** A hold on the worker threads; the last one to be released stops them. */
export interface PoolLease {
  readonly pool: WorkerPool;
  release(): Promise<void>;
}

/**
 * Worker threads that all DALI models of a server share: as many as the model that wants most, never more than the machine has processors. They exist only
 * while a model is loaded.
 */
export class SharedPool {
  #pool: WorkerPool | undefined;
  #leases = 0;

  acquire(threads: number, settings: WorkerSettings): PoolLease {
    const wanted = Math.min(threads, availableParallelism());
    this.#pool ??= new WorkerPool({
      script: workerScript(),
      name: 'nereid-dali',
      maxWorkers: wanted,
      workerData: settings,
    });
    this.#pool.growTo(wanted);
    this.#leases += 1;
    const pool = this.#pool;
    let isReleased = false;
    return {
      pool,
      release: async () => {
        if (isReleased) return;
        isReleased = true;
        this.#leases -= 1;
        if (this.#leases > 0 || this.#pool !== pool) return;
        this.#pool = undefined;
        await pool.close();
      },
    };
  }
}

/** The worker beside this file, TypeScript or compiled as this file is. */
function workerScript(): URL {
  return new URL(`./runtime/worker${extname(import.meta.url)}`, import.meta.url);
}
