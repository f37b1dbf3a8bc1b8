import { fork } from 'node:child_process';
import { StatusError } from '@nereid/protocol';
import type { WorkerAnswer, WorkerResult, WorkerTask } from './translate-worker.ts';

/**
 * Translates a graph in a process of its own: the event loop stays free, and the memory that it takes, several times the weights, is gone
 * when it ends. So is whatever a damaged file makes of it.
 * @throws StatusError
 */
export function translateApart(task: WorkerTask): Promise<WorkerResult> {
  return new Promise((resolve, reject) => {
    const worker = fork(new URL('./translate-worker.ts', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    worker.once('message', (message) => {
      const answer = message as WorkerAnswer;
      if ('error' in answer) reject(errorOf(answer));
      else resolve(withOwnMemory(answer.result));
    });
    // After an answer these change nothing.
    worker.once('error', (error) => reject(StatusError.from(error)));
    worker.once('close', (code, signal) => {
      const end = signal === null ? `with code ${code}` : `by ${signal}`;
      reject(new StatusError('INTERNAL', `the import of model '${task.modelName}' was ended ${end}`));
    });
    worker.send(task, (error) => {
      if (error !== null) reject(StatusError.from(error));
    });
  });
}

function errorOf({ error: { code, message }, all }: Extract<WorkerAnswer, { error: unknown }>): StatusError {
  if (all.length === 0) return new StatusError(code, message);
  return new StatusError(code, message, { cause: new AggregateError(all.map((each) => new StatusError(code, each))) });
}

/** A model that came through the pipe lies in a buffer of the pipe's. */
function withOwnMemory(result: WorkerResult): WorkerResult {
  return result.onnx === undefined ? result : { ...result, onnx: result.onnx.slice() };
}
