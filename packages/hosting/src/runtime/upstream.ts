import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
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

export interface UpstreamRequest {
  readonly target: ContainerAddress;
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: OutgoingBody | undefined;
  /** From the moment the request is sent until the whole answer is there. */
  readonly timeoutMs: number;
  readonly caller: Caller | undefined;
}

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

/** Idle connections are dropped before the container's own server does (Node's waits five seconds), so that no request meets a closing one. */
const IDLE_TIMEOUT_MS = 4000;

/** HTTP to containers over kept connections. */
export class Upstream {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 1024, scheduling: 'lifo', timeout: IDLE_TIMEOUT_MS });

  /** Resolves with the answer's head; its body is still to come. Rejects with UpstreamError or ClientBodyError. */
  send({ target, method, path, headers, body, timeoutMs, caller }: UpstreamRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      let isConnected = false;
      let failure: UpstreamFailure = 'broken';
      const call = request({ agent: this.#agent, host: target.host, port: target.port, method, path, headers });
      const fail = (kind: UpstreamFailure): void => {
        failure = kind;
        call.destroy(new Error(kind));
      };
      const timer = setTimeout(fail, timeoutMs, 'timeout');
      const stay = caller?.onGone(() => fail('aborted'));
      const finish = (): void => {
        clearTimeout(timer);
        stay?.();
      };
      const begin = (): void => {
        isConnected = true;
        if (!body) call.end();
        else {
          body.sendTo(call).catch((error: unknown) => {
            // When the container broke off, 'error' has told so already.
            reject(new ClientBodyError('the request body could not be read', { cause: error }));
            call.destroy();
          });
        }
      };
      call.once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', begin);
        else begin();
      });
      call.once('response', (answer) => {
        answer.once('close', finish);
        resolve(answer);
      });
      call.once('error', (error: NodeJS.ErrnoException) => {
        finish();
        reject(new UpstreamError(!isConnected && failure === 'broken' ? 'refused' : failure, !isConnected, error));
      });
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
