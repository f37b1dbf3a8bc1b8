import type { CallOptions } from '../api/index.ts';
import { InferenceServerError } from '../errors/index.ts';

/** The time a call has: from its start to its deadline, its caller's abort, or its end. */
export interface CallScope {
  /** Aborts when the call has to stop. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970; undefined without a deadline. */
  readonly deadlineAtMs: number | undefined;
  /** What a failure counts as: when the call was stopped, that is the reason, whatever the transport made of it. */
  failure(error: unknown): InferenceServerError;
  /** Must be called when the call is over. */
  end(): void;
}

/** Opens the scope of a call. */
export function openCall(options: CallOptions, defaultDeadlineMs: number | undefined): CallScope {
  const controller = new AbortController();
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  const caller = options.signal;
  let stopped: InferenceServerError | undefined;
  const stop = (error: InferenceServerError): void => {
    stopped ??= error;
    controller.abort(stopped);
  };
  const onAbort = (): void =>
    stop(new InferenceServerError('CANCELLED', 'the call was aborted', { cause: caller?.reason }));
  const expire = (): void => {
    stop(new InferenceServerError('DEADLINE_EXCEEDED', `the call did not finish within ${deadlineMs} ms`));
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (caller?.aborted) onAbort();
  else caller?.addEventListener('abort', onAbort, { once: true });
  if (deadlineMs !== undefined) {
    if (deadlineMs <= 0 || Number.isNaN(deadlineMs)) expire();
    else if (deadlineMs <= MAX_TIMER_MS) timer = setTimeout(expire, deadlineMs);
  }
  return {
    signal: controller.signal,
    deadlineAtMs: deadlineMs === undefined || !Number.isFinite(deadlineMs) ? undefined : Date.now() + deadlineMs,
    failure: (error) => stopped ?? toError(error),
    end() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', onAbort);
    },
  };
}

/** Longest time a timer can wait, 24 days; a later deadline is none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function toError(error: unknown): InferenceServerError {
  if (error instanceof InferenceServerError) return error;
  return new InferenceServerError('UNKNOWN', error instanceof Error ? error.message : String(error), { cause: error });
}
