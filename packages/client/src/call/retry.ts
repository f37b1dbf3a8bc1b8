import type { RetryPolicy } from '../api/index.ts';
import type { InferenceServerError } from '../errors/index.ts';
import type { CallScope } from './call-scope.ts';

const DEFAULT_ATTEMPTS = 3;
const DEFAULT_INITIAL_MS = 100;
const DEFAULT_MAX_MS = 2000;

/**
 * Runs `attempt`, again after a wait when that is safe: when the request surely never left, or, for idempotent calls, when no answer came or
 * the server was unavailable. Rejects with the last failure.
 */
export async function withRetries<Value>(
  policy: RetryPolicy,
  idempotent: boolean,
  scope: CallScope,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const maxAttempts = policy.maxAttempts ?? DEFAULT_ATTEMPTS;
  for (let count = 1; ; count++) {
    try {
      scope.signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      const failure = scope.failure(error);
      if (scope.signal.aborted || count >= maxAttempts || !isSafe(failure, idempotent)) throw failure;
      await pause(backoffMs(policy, count), scope);
    }
  }
}

function isSafe(failure: InferenceServerError, idempotent: boolean): boolean {
  const transient = failure.code === 'CONNECTION_FAILED' || failure.code === 'UNAVAILABLE';
  return transient && (failure.notSent || idempotent);
}

/** Between half of the wait and the whole, so that many clients do not come back at one moment. */
function backoffMs(policy: RetryPolicy, failures: number): number {
  const initial = policy.initialBackoffMs ?? DEFAULT_INITIAL_MS;
  const longest = Math.min(initial * 2 ** (failures - 1), policy.maxBackoffMs ?? DEFAULT_MAX_MS);
  return longest * (0.5 + Math.random() / 2);
}

function pause(ms: number, scope: CallScope): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(scope.failure(scope.signal.reason));
    };
    const timer = setTimeout(() => {
      scope.signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    scope.signal.addEventListener('abort', onAbort, { once: true });
  });
}
