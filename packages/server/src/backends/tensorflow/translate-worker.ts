import { parentPort, workerData } from 'node:worker_threads';
import { StatusError } from '@nereid/protocol';
import { type Translation, type TranslationTask, translate } from './translate.ts';

/** What the worker answers, once: the translation, its memory handed over, or why there is none. */
export type WorkerAnswer =
  | { readonly translation: Translation }
  | { readonly error: { readonly code: StatusError['code']; readonly message: string } };

try {
  const translation = await translate(workerData as TranslationTask);
  parentPort?.postMessage({ translation } satisfies WorkerAnswer, [translation.onnx.buffer]);
} catch (thrown) {
  const { code, message } = StatusError.from(thrown);
  parentPort?.postMessage({ error: { code, message } } satisfies WorkerAnswer);
}
