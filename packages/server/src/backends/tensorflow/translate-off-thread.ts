import { Worker } from 'node:worker_threads';
import { StatusError } from '@nereid/protocol';
import type { Translation, TranslationTask } from './translate.ts';
import type { WorkerAnswer } from './translate-worker.ts';

/** Graphs up to this size take milliseconds; a worker takes fifty to start. */
export const INLINE_MAX_BYTES = 2 ** 20;

/**
 * Translates a graph without holding up the event loop: small ones here, others in a worker thread of their own.
 * @throws StatusError
 */
export async function translateOffThread(task: TranslationTask, fileBytes: number): Promise<Translation> {
  if (fileBytes > INLINE_MAX_BYTES) return translateInWorker(task);
  // Loaded when the first graph needs it: a server that finds its imports in the cache starts without the importers.
  const { translate } = await import('./translate.ts');
  return translate(task);
}

function translateInWorker(task: TranslationTask): Promise<Translation> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./translate-worker.ts', import.meta.url), {
      name: 'tensorflow-import',
      workerData: task,
    });
    worker.once('message', (answer: WorkerAnswer) => {
      if ('translation' in answer) resolve(answer.translation);
      else reject(new StatusError(answer.error.code, answer.error.message));
    });
    // After an answer these change nothing.
    worker.once('error', (error) => reject(StatusError.from(error)));
    worker.once('exit', (code) =>
      reject(new StatusError('INTERNAL', `the import of model '${task.modelName}' ended with code ${code}`)),
    );
  });
}
