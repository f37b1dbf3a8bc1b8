import type { ContainerAddress } from '../instances/index.ts';
import type { OutgoingBody } from './request-body.ts';

export type UpstreamFailure = 'refused' | 'broken' | 'timeout' | 'aborted';

/** A container that did not answer. */
export class UpstreamError extends Error {
  readonly failure: UpstreamFailure;
  /** Nothing of the request reached the container: another one may be tried. */
  readonly isUnsent: boolean;

  constructor(failure: UpstreamFailure, isUnsent: boolean, cause: unknown) {
    super(`the container ${failure === 'timeout' ? 'did not answer in time' : 'closed the connection'}`, { cause });
    this.failure = failure;
    this.isUnsent = isUnsent;
  }
}

/** The client's side failed (bad signature, too large, gone): nothing is wrong with the container. */
export class ClientBodyError extends Error {}

/** Who waits for an answer. A subscription instead of an AbortSignal: making an abort reason costs more than the rest of a small request. */
export interface Caller {
  /** Calls `leave` once when the caller is gone; the result takes the subscription back. */
  onGone(leave: () => void): () => void;
}

/** A caller that leaves when `signal` aborts. */
export function callerOf(signal: AbortSignal): Caller {
  return {
    onGone(leave) {
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      return () => signal.removeEventListener('abort', leave);
    },
  };
}

export interface UpstreamRequest {
  readonly target: ContainerAddress;
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** Names and values in turns. Values hold no line breaks. */
  readonly headers: readonly string[];
  readonly body: OutgoingBody | undefined;
  /** From the moment the request is sent until the whole answer is there. */
  readonly timeoutMs: number;
  readonly caller: Caller | undefined;
}
