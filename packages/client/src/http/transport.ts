/** A request as a transport sends it. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces of the body, one behind the other; empty for none. They stay unchanged until the answer came. */
  readonly body: readonly Uint8Array[];
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** An answer whose headers came. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** The body, `Content-Encoding` undone. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives up the rest of the body, begun or not; a body that was read to its end stays as it is. */
  cancel(): void;
}

/**
 * Carries requests. `send` rejects with InferenceServerError CONNECTION_FAILED when no answer came, `notSent` set where that is sure; so does
 * the body's iteration when it breaks off. A transport sends each request once and follows no redirects.
 */
export interface HttpTransport {
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Closes idle connections. */
  close?(): void;
}
