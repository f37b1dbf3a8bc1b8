import type { CallOptions, ClientOptions } from '../api/index.ts';
import { type CallScope, callHeaders, openCall, withRetries } from '../call/index.ts';
import { invalidArgument } from '../errors/index.ts';
import { Answer, parseJson } from './json.ts';
import { readBody } from './read-body.ts';
import { serverError } from './server-error.ts';
import type { HttpResponse, HttpTransport } from './transport.ts';

/** Largest JSON answer: the configurations and statistics of thousands of models. */
export const MAX_JSON_BYTES = 1 << 26;
export const MAX_RESPONSE_BYTES = 2 ** 31 - 1;

/** One call of the server's HTTP API. */
export interface HttpCall {
  readonly method: 'GET' | 'POST';
  /** Behind the client's URL, each part encoded; see `path`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  /** Running it twice does no harm. */
  readonly idempotent: boolean;
  /** Statuses other than 200 that are answers too. */
  readonly statuses?: readonly number[];
}

/** Sends calls to one server: address, headers, deadlines, retries. */
export class HttpCaller {
  readonly maxResponseBytes: number;
  readonly #options: ClientOptions;
  readonly #baseUrl: string;
  readonly #transport: HttpTransport;

  constructor(options: ClientOptions, transport: HttpTransport) {
    this.#options = options;
    this.#baseUrl = baseUrl(options.url);
    this.#transport = transport;
    this.maxResponseBytes = options.maxResponseBytes ?? MAX_RESPONSE_BYTES;
  }

  /** Opens the scope of a call; whoever opens one ends it. */
  open(options: CallOptions): CallScope {
    return openCall(options, this.#options.deadlineMs);
  }

  /** Sends a call and reads its answer. */
  async call<Value>(
    call: HttpCall,
    options: CallOptions,
    read: (response: HttpResponse) => Promise<Value>,
  ): Promise<Value> {
    const scope = this.open(options);
    try {
      return await this.attempt(call, options, scope, read);
    } catch (error) {
      throw scope.failure(error);
    } finally {
      scope.end();
    }
  }

  /** Like `call`, in a scope that is open and stays so. */
  attempt<Value>(
    call: HttpCall,
    options: CallOptions,
    scope: CallScope,
    read: (response: HttpResponse) => Promise<Value>,
  ): Promise<Value> {
    return withRetries(this.#options.retry ?? {}, call.idempotent, scope, async () => {
      const headers = await callHeaders(this.#options, options);
      const response = await this.#transport.send({
        method: call.method,
        url: this.#baseUrl + call.path,
        headers: { ...headers, ...call.headers },
        body: call.body ?? [],
        signal: scope.signal,
      });
      if (response.status !== 200 && call.statuses?.includes(response.status) !== true) {
        throw await serverError(response);
      }
      return await read(response);
    });
  }

  /** Sends a call whose answer is JSON. */
  json<Value>(call: HttpCall, options: CallOptions, read: (answer: Answer) => Value): Promise<Value> {
    return this.call(call, options, async (response) => {
      const body = await readBody(response, { maxBytes: Math.min(MAX_JSON_BYTES, this.maxResponseBytes) });
      return read(new Answer(parseJson(body, `answer of ${call.path}`), `answer of ${call.path}: $`));
    });
  }

  /** Sends a call whose answer has nothing to read; true when its status is 200. */
  empty(call: HttpCall, options: CallOptions): Promise<boolean> {
    return this.call(call, options, async (response) => {
      await readBody(response, { maxBytes: Math.min(MAX_JSON_BYTES, this.maxResponseBytes) });
      return response.status === 200;
    });
  }

  close(): void {
    this.#transport.close?.();
  }
}

function baseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw invalidArgument(`'${text}' is no URL, expected one like http://localhost:8000 (${String(error)})`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalidArgument(`'${text}' is no HTTP URL, expected one like http://localhost:8000`);
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw invalidArgument(`'${url.origin}' must come without user, query and fragment; credentials belong in headers`);
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** A path of parts, each one segment: what would leave its place (`.`, `..`, '') is refused, the rest is percent-encoded. */
export function path(...parts: readonly string[]): string {
  return parts
    .map((part) => {
      if (part === '' || part === '.' || part === '..') throw invalidArgument(`'${part}' cannot be part of a path`);
      try {
        return `/${encodeURIComponent(part)}`;
      } catch (error) {
        throw invalidArgument(`'${part}' is no valid text: ${String(error)}`);
      }
    })
    .join('');
}
