import { connectionFailure } from './connection-failure.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from './transport.ts';

/** As much of `fetch` as the transport needs. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Carries requests with `fetch`: in browsers, and in Node, where connections are kept alive. Node's fetch gives up after 300 s without an
 * answer; see `@nereid/client/node` for a transport without that limit, with fewer copies and with TLS options.
 */
export function fetchTransport(fetchFunction: FetchFunction = (url, init) => fetch(url, init)): HttpTransport {
  return {
    async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
      try {
        const init: RequestInit = { method, headers: { ...headers }, signal, redirect: 'manual' };
        if (method === 'POST') init.body = joined(body);
        const response = await fetchFunction(url, init);
        const { status, headers: received, body: stream } = response;
        const reader = stream?.getReader();
        const cancel = (): void => void reader?.cancel().catch(() => {});
        return { status, headers: received, body: chunks(reader, url), cancel };
      } catch (error) {
        throw connectionFailure(error, url);
      }
    },
  };
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

/** Not every browser can iterate a stream. */
async function* chunks(reader: BodyReader | undefined, url: string): AsyncGenerator<Uint8Array> {
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw connectionFailure(error, url);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (parts.length === 1 && only!.buffer instanceof ArrayBuffer) return only as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
