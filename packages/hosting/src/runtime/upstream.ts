import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
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
  readonly headers: OutgoingHttpHeaders;
  readonly body: OutgoingBody | undefined;
  /** From the moment the request is sent until the whole answer is there. */
  readonly timeoutMs: number;
  readonly caller: Caller | undefined;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A container's answer: its status and headers, and its body as a stream. Emits an error when the body breaks off. */
export class UpstreamAnswer extends Readable {
  readonly status: number;
  readonly #headers: Headers;
  readonly #controller: Dispatcher.DispatchController;
  #isComplete = false;

  constructor(controller: Dispatcher.DispatchController, status: number, headers: Headers) {
    super({ highWaterMark: 256 * 1024 });
    this.#controller = controller;
    this.status = status;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** As the container announced it. */
  get lengthBytes(): number | undefined {
    const text = this.header('content-length');
    return text === undefined ? undefined : Number(text);
  }

  receive(chunk: Buffer): void {
    if (!this.push(chunk)) this.#controller.pause();
  }

  complete(): void {
    this.#isComplete = true;
    this.push(null);
  }

  override _read(): void {
    this.#controller.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isComplete && !this.#controller.aborted)
      this.#controller.abort(error ?? new Error('not wanted any more'));
    done(error);
  }
}

/** Idle connections are dropped before the container's own server does (Node's waits five seconds), so that no request meets a closing one. */
const IDLE_TIMEOUT_MS = 4000;
const CONNECT_TIMEOUT_MS = 2000;

/** HTTP to containers over kept connections. */
export class Upstream {
  readonly #agent = new Agent({
    pipelining: 1,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A request's own timer covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  /** Resolves with the answer's head; its body is still to come. Rejects with UpstreamError or ClientBodyError. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, resolve, reject);
      const { target, method, path, headers } = request;
      const options = { origin: `http://${target.host}:${target.port}`, method, path, headers, body: exchange.content };
      this.#agent.dispatch(options as Dispatcher.DispatchOptions, exchange);
    });
  }

  close(): void {
    void this.#agent.destroy();
  }
}

/** One request and its answer, as undici tells of them. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly content: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly #resolve: (answer: UpstreamAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #stay: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #answer: UpstreamAnswer | undefined;
  #failure: UpstreamFailure | undefined;
  #bodyError: unknown;

  constructor(request: UpstreamRequest, resolve: (answer: UpstreamAnswer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#give('timeout'), request.timeoutMs);
    this.#stay = request.caller?.onGone(() => this.#give('aborted'));
    const content = request.body?.content() ?? null;
    this.content = content === null || content instanceof Uint8Array ? content : this.#watched(content);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== undefined) controller.abort(new Error(this.#failure));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#answer = new UpstreamAnswer(controller, status, headers);
    this.#resolve(this.#answer);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#answer?.receive(chunk);
  }

  onResponseEnd(): void {
    this.#finish();
    this.#answer?.complete();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish();
    if (this.#bodyError !== undefined) {
      this.#reject(new ClientBodyError('the request body could not be read', { cause: this.#bodyError }));
    } else {
      const isSent = this.#controller !== undefined;
      this.#reject(new UpstreamError(this.#failure ?? (isSent ? 'broken' : 'refused'), !isSent, error));
    }
    this.#answer?.destroy(error);
  }

  async *#watched(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      this.#bodyError = error;
      throw error;
    }
  }

  /** Gives the request up: at once when it waits for a connection, else by breaking its connection. */
  #give(failure: UpstreamFailure): void {
    this.#failure = failure;
    if (this.#controller) this.#controller.abort(new Error(failure));
    else {
      this.#finish();
      this.#reject(new UpstreamError(failure, true, undefined));
    }
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#stay?.();
  }
}
