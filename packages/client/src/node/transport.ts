import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import type { TlsOptions } from '../api/index.ts';
import { invalidResponse } from '../errors/index.ts';
import { connectionFailure, type HttpRequest, type HttpResponse, type HttpTransport } from '../http/index.ts';

export interface NodeTransportOptions {
  /** TLS of `https:` URLs. */
  readonly tls?: TlsOptions;
  /** Connections to one server at most; more calls wait for one. Default: no limit. */
  readonly maxConnections?: number;
  /** Path of a Unix domain socket to connect to instead of the URL's host. */
  readonly socketPath?: string;
}

/**
 * Carries requests with `node:http`: connections are kept alive, bodies are sent in pieces without a copy, there is no limit to how long a
 * model may take. Belongs to one client or several; `close()` ends its connections.
 */
export function nodeTransport(options: NodeTransportOptions = {}): HttpTransport {
  const agentOptions = {
    keepAlive: true,
    noDelay: true,
    ...(options.maxConnections === undefined ? {} : { maxSockets: options.maxConnections }),
  };
  const plain = new HttpAgent(agentOptions);
  const secure = new HttpsAgent({ ...agentOptions, ...tlsContext(options.tls) });
  return {
    send(request: HttpRequest): Promise<HttpResponse> {
      return new Promise((resolve, reject) => {
        const url = new URL(request.url);
        const isSecure = url.protocol === 'https:';
        const call = (isSecure ? httpsRequest : httpRequest)(url, {
          method: request.method,
          headers: headersOf(request),
          agent: isSecure ? secure : plain,
          signal: request.signal,
          ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
        });
        call.on('error', (error) => reject(connectionFailure(error, request.url)));
        call.on('response', (response) => {
          try {
            resolve(toResponse(response, request.url));
          } catch (error) {
            response.destroy();
            reject(error);
          }
        });
        write(call, request.body);
      });
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** Node takes texts and buffers. */
function tlsContext({ ca, cert, key, ...rest }: TlsOptions = {}) {
  const given = (value: string | Uint8Array) => (typeof value === 'string' ? value : Buffer.from(value));
  return {
    ...rest,
    ...(ca === undefined ? {} : { ca: given(ca) }),
    ...(cert === undefined ? {} : { cert: given(cert) }),
    ...(key === undefined ? {} : { key: given(key) }),
  };
}

function headersOf({ method, headers, body }: HttpRequest): Record<string, string> {
  if (method === 'GET') return { ...headers };
  return { ...headers, 'content-length': String(body.reduce((size, part) => size + part.byteLength, 0)) };
}

function write(call: ClientRequest, body: readonly Uint8Array[]): void {
  call.cork();
  for (const part of body) call.write(part);
  call.end();
  call.uncork();
}

function toResponse(response: IncomingMessage, url: string): HttpResponse {
  const coding = response.headers['content-encoding'];
  return {
    status: response.statusCode ?? 0,
    headers: {
      get: (name) => {
        const value = response.headers[name];
        return value === undefined ? null : String(value);
      },
    },
    body: chunks(unpacked(response, coding), url),
    cancel: () => {
      if (!response.complete) response.destroy();
    },
  };
}

/** The body with its coding undone, one coding at most. */
function unpacked(response: IncomingMessage, coding: string | undefined): Readable {
  switch (coding) {
    case undefined:
    case '':
    case 'identity':
      return response;
    case 'gzip':
      return pipe(response, createGunzip());
    case 'deflate':
      return pipe(response, createInflate());
    default:
      throw invalidResponse(`the response has unknown Content-Encoding '${coding}'`, { status: response.statusCode });
  }
}

function pipe(response: IncomingMessage, stream: ReturnType<typeof createGunzip>): Readable {
  response.on('error', (error) => stream.destroy(error));
  return response.pipe(stream);
}

async function* chunks(body: Readable, url: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    throw connectionFailure(error, url);
  }
}
