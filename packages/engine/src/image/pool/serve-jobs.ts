import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './messages.ts';

/** What a job gives back; `transfer` moves buffers instead of copying them. */
export interface JobResult {
  readonly value: unknown;
  readonly transfer?: readonly ArrayBuffer[];
}

/** A worker's side of a pool. */
export interface JobHandler {
  /** Something that later jobs refer to by its id (a compiled pipeline). */
  setContext(id: number, value: unknown): void;
  forgetContext(id: number): void;
  /** `inputs` are valid until the result is given. A throw fails the job only. */
  run(value: unknown, inputs: readonly Uint8Array[]): JobResult | Promise<JobResult>;
}

/** Answers a WorkerPool's messages from inside a worker thread, one job at a time. */
export function serveJobs(handler: JobHandler): void {
  if (parentPort === null) throw new Error('serveJobs runs in a worker thread only');
  const port = parentPort;
  const answer = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  let inbox: SharedArrayBuffer | undefined;
  const runJob = async (message: Extract<ToWorker, { type: 'job' }>): Promise<void> => {
    inbox = message.inbox ?? inbox;
    const memory = message.large ?? inbox;
    const inputs = message.inputs.map(([offset, length]) =>
      memory === undefined ? new Uint8Array(0) : new Uint8Array(memory, offset, length),
    );
    try {
      const pending = handler.run(message.value, inputs);
      const result = pending instanceof Promise ? await pending : pending;
      answer({ type: 'done', value: result.value }, result.transfer);
    } catch (error) {
      const { name, message: text } = error instanceof Error ? error : new Error(String(error));
      answer({ type: 'failed', name, message: text });
    }
  };
  port.on('message', (message: ToWorker) => {
    if (message.type === 'context') handler.setContext(message.id, message.value);
    else if (message.type === 'forget') handler.forgetContext(message.id);
    else void runJob(message);
  });
  answer({ type: 'ready' });
}
