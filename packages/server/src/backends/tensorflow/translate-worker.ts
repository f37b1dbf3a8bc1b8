// A process of its own: translates one graph, answers once and ends, and with it all memory that this took.
import { OnnxRuntime } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import { type Translation, type TranslationTask, translate } from './translate.ts';

/** What the process is told. */
export interface WorkerTask extends TranslationTask {
  /**
   * Where the translation goes, in the form it has after ONNX Runtime's first simplifications (transposes cancelled, batch normalisations
   * folded): a session is made of that in half the time. That level gives plain ONNX, which any machine can load. Undefined: into the answer.
   */
  readonly optimizedPath: string | undefined;
}

/** What has become of the graph. */
export interface WorkerResult extends Omit<Translation, 'onnx'> {
  /** Undefined when it is at `optimizedPath`. */
  readonly onnx?: Uint8Array<ArrayBuffer>;
  /** Why it could not be written there. */
  readonly notWritten?: string;
}

/** What the process answers, once: the result, or why there is none, and everything that is wrong when that is more. */
export type WorkerAnswer =
  | { readonly result: WorkerResult }
  | {
      readonly error: { readonly code: StatusError['code']; readonly message: string };
      readonly all: readonly string[];
    };

/** Above this, ONNX Runtime would have to write the weights into a second file. */
const OPTIMIZED_MAX_BYTES = 1.9e9;

process.once('message', async (task: WorkerTask) => {
  const answer = await resultOf(task).then(
    (result): WorkerAnswer => ({ result }),
    (thrown: unknown): WorkerAnswer => {
      const { code, message, cause } = StatusError.from(thrown);
      const all = cause instanceof AggregateError ? cause.errors.map((each) => StatusError.from(each).message) : [];
      return { error: { code, message }, all };
    },
  );
  // When the server has gone meanwhile nobody listens, and there is nothing else to do.
  process.send?.(answer, () => process.exit());
});

async function resultOf(task: WorkerTask): Promise<WorkerResult> {
  const translation = await translate(task);
  const { onnx, ...facts } = translation;
  const { optimizedPath } = task;
  if (optimizedPath === undefined || onnx.length > OPTIMIZED_MAX_BYTES) return translation;
  try {
    const session = await new OnnxRuntime().load(onnx, {
      graphOptimization: 'basic',
      optimizedModelPath: optimizedPath,
    });
    await session.release();
    return facts;
  } catch (error) {
    // What is wrong with the model itself, making a session of it will say.
    return { ...translation, notWritten: error instanceof Error ? error.message : String(error) };
  }
}
