import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './messages.ts';

/** Inputs up to this size share one buffer per worker; larger ones travel in a buffer of their own, which the collector accounts for. */
const MAX_INBOX_BYTES = 8 * 1024 * 1024;
const MIN_INBOX_BYTES = 1024 * 1024;

export interface PoolJob {
  readonly value: unknown;
  /** Bytes for the worker, copied when the job starts. */
  readonly inputs: readonly Uint8Array[];
  /** Buffers inside `value` to move. */
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread died while it ran a job, or could not be started. Later jobs get a new thread. */
export class WorkerCrashedError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`image worker thread ended: ${reason}`, options);
    this.name = 'WorkerCrashedError';
  }
}

/** A job failed inside the worker; `name` and `message` are the original error's. */
export class WorkerJobError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface SlotOptions {
  readonly script: URL;
  readonly name: string;
  readonly workerData: unknown;
  readonly contexts: ReadonlyMap<number, unknown>;
  /** The slot can take a job again. */
  readonly onIdle: () => void;
}

/** One thread of a pool, started when its first job comes and again after a crash. States: no thread -> starting -> idle <-> busy. */
export class WorkerSlot {
  readonly #options: SlotOptions;
  #worker: Worker | undefined;
  #ready: Promise<void> = Promise.resolve();
  #job: PoolJob | undefined;
  #inbox: SharedArrayBuffer | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#job === undefined;
  }

  /** Starts the thread; settles when it takes messages. */
  start(): Promise<void> {
    if (this.#worker === undefined) this.#spawn();
    return this.#ready;
  }

  /** Runs a job; the slot must be idle. The outcome goes to the job's `resolve` or `reject`. */
  run(job: PoolJob): void {
    this.#job = job;
    if (this.#worker === undefined) this.#spawn();
    this.#worker?.ref();
    try {
      this.#post(job);
    } catch (error) {
      this.#finish((failed) => failed.reject(error instanceof Error ? error : new Error(String(error))));
    }
  }

  /** Tells a running thread about a context; a thread that starts later is told by `#spawn`. */
  send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#inbox = undefined;
    await worker?.terminate();
    this.#finish((job) => job.reject(new WorkerCrashedError('the pool was closed')));
  }

  #spawn(): void {
    const { script, name, workerData, contexts } = this.#options;
    const worker = new Worker(script, {
      name,
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 },
    });
    this.#worker = worker;
    this.#inbox = undefined;
    let reason = '';
    this.#ready = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          // An idle thread does not keep the process alive; a starting or working one does.
          if (this.#job === undefined) worker.unref();
          resolve();
        } else this.#settle(message);
      });
      worker.once('error', (error) => {
        reason = error instanceof Error ? error.message : String(error);
      });
      worker.once('exit', (code) => {
        const crash = new WorkerCrashedError(reason || `exit code ${code}`);
        reject(crash);
        if (this.#worker !== worker) return;
        this.#worker = undefined;
        this.#finish((job) => job.reject(crash));
      });
    });
    // A failed start also fails the job that caused it; nobody need be waiting for `start`.
    this.#ready.catch(() => {});
    for (const [id, value] of contexts) worker.postMessage({ type: 'context', id, value } satisfies ToWorker);
  }

  #post(job: PoolJob): void {
    const total = job.inputs.reduce((sum, input) => sum + align(input.length), 0);
    if (total > MAX_INBOX_BYTES) {
      const large = new ArrayBuffer(total);
      const message: ToWorker = { type: 'job', value: job.value, large, inputs: copyInputs(job.inputs, large) };
      this.#worker?.postMessage(message, [large, ...job.transfer]);
      return;
    }
    const isNew = this.#inbox === undefined || this.#inbox.byteLength < total;
    const inbox = isNew ? new SharedArrayBuffer(inboxSize(total)) : this.#inbox!;
    this.#inbox = inbox;
    const inputs = copyInputs(job.inputs, inbox);
    const message: ToWorker = { type: 'job', value: job.value, inputs, ...(isNew ? { inbox } : {}) };
    this.#worker?.postMessage(message, job.transfer);
  }

  #settle(message: Exclude<FromWorker, { type: 'ready' }>): void {
    this.#finish((job) => {
      if (message.type === 'done') job.resolve(message.value);
      else job.reject(new WorkerJobError(message.name, message.message));
    });
  }

  #finish(settle: (job: PoolJob) => void): void {
    const job = this.#job;
    if (job === undefined) return;
    this.#job = undefined;
    this.#worker?.unref();
    settle(job);
    this.#options.onIdle();
  }
}

function copyInputs(inputs: readonly Uint8Array[], memory: ArrayBuffer | SharedArrayBuffer): [number, number][] {
  const target = new Uint8Array(memory);
  let at = 0;
  return inputs.map((input) => {
    target.set(input, at);
    const place: [number, number] = [at, input.length];
    at += align(input.length);
    return place;
  });
}

/** Inputs start at multiples of 8, so that a worker may view them as any type. */
function align(byteLength: number): number {
  return Math.ceil(byteLength / 8) * 8;
}

function inboxSize(total: number): number {
  return Math.max(MIN_INBOX_BYTES, 2 ** Math.ceil(Math.log2(Math.max(total, 1))));
}
