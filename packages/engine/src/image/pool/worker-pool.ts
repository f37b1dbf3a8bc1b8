import type { PoolJob } from './worker-slot.ts';
import { WorkerCrashedError, WorkerSlot } from './worker-slot.ts';

export interface WorkerPoolOptions {
  /** The module each thread runs; it calls `serveJobs`. */
  readonly script: URL;
  /** Shown by debuggers and in process listings. */
  readonly name: string;
  /** Most threads at a time. Threads start with the first jobs that need them. */
  readonly maxWorkers: number;
  /** Given to every thread (`node:worker_threads` workerData). */
  readonly workerData?: unknown;
}

export interface JobOptions {
  /** Copied into memory the thread sees, when the job starts. */
  readonly inputs?: readonly Uint8Array[];
  readonly transfer?: readonly ArrayBuffer[];
}

/**
 * Threads that take jobs from one queue, one job at a time each. A job's inputs are copied once, into memory shared with the thread; its results
 * are moved back. A thread that dies fails its job with WorkerCrashedError and is replaced when the next job comes.
 */
export class WorkerPool {
  readonly #slots: WorkerSlot[] = [];
  readonly #queue: PoolJob[] = [];
  readonly #contexts = new Map<number, unknown>();
  readonly #options: WorkerPoolOptions;
  #maxWorkers: number;
  #nextContext = 1;
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#maxWorkers = Math.max(1, options.maxWorkers);
  }

  /** Threads that may run at the same time. */
  get maxWorkers(): number {
    return this.#maxWorkers;
  }

  /** Raises the bound on threads; running ones are never stopped for a lower one. */
  growTo(maxWorkers: number): void {
    this.#maxWorkers = Math.max(this.#maxWorkers, maxWorkers);
  }

  /** Starts `count` threads ahead of the first job. Rejects with WorkerCrashedError when one cannot start. */
  async start(count: number): Promise<void> {
    while (this.#slots.length < Math.min(count, this.#maxWorkers)) this.#addSlot();
    await Promise.all(this.#slots.slice(0, count).map((slot) => slot.start()));
  }

  /** Hands every thread, also later ones, a value that jobs refer to by the returned id. */
  addContext(value: unknown): number {
    const id = this.#nextContext++;
    this.#contexts.set(id, value);
    for (const slot of this.#slots) slot.send({ type: 'context', id, value });
    return id;
  }

  removeContext(id: number): void {
    if (!this.#contexts.delete(id)) return;
    for (const slot of this.#slots) slot.send({ type: 'forget', id });
  }

  /** Runs a job on the next free thread. Rejects with WorkerJobError (the job failed) or WorkerCrashedError. */
  run(value: unknown, options: JobOptions = {}): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new WorkerCrashedError('the pool was closed'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ value, inputs: options.inputs ?? [], transfer: options.transfer ?? [], resolve, reject });
      this.#dispatch();
    });
  }

  /** Stops all threads. Jobs that have not finished are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#queue.splice(0)) job.reject(new WorkerCrashedError('the pool was closed'));
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const slot =
        this.#slots.find((candidate) => candidate.isIdle) ??
        (this.#slots.length < this.#maxWorkers ? this.#addSlot() : undefined);
      if (slot === undefined) return;
      slot.run(this.#queue.shift()!);
    }
  }

  #addSlot(): WorkerSlot {
    const { script, name, workerData } = this.#options;
    const slot = new WorkerSlot({ script, name, workerData, contexts: this.#contexts, onIdle: () => this.#dispatch() });
    this.#slots.push(slot);
    return slot;
  }
}
