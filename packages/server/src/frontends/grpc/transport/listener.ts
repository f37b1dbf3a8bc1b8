import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { BodyBudget } from '../../wire/body-reader.ts';
import type { ListenAddress, ListenOptions } from '../../wire/listener.ts';
import { ReadGarbage } from '../../wire/read-garbage.ts';
import { Connection } from './connection.ts';
import type { GrpcLimits } from './limits.ts';
import type { ReadMemory } from './message-reader.ts';
import type { KeepAliveOptions } from './ping-policy.ts';
import { ServerCall } from './server-call.ts';
import type { TlsCredentials } from './tls.ts';

/** What clients may send on one call, and on one connection, before the server has read it. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Memory of a connection beyond which it takes no more calls: answers that wait for their client count. */
const MAX_SESSION_MEGABYTES = 1024;
const MAX_HEADER_PAIRS = 256;

export interface GrpcListenerOptions extends ListenOptions {
  readonly limits: GrpcLimits;
  readonly keepAlive: KeepAliveOptions;
  readonly tls?: TlsCredentials | undefined;
}

/** Starts a call whose path is `path`. */
export type CallStarter = (call: ServerCall, path: string) => void;

/** One listening gRPC server: HTTP/2 connections in, calls out. */
export class GrpcListener {
  readonly #options: GrpcListenerOptions;
  readonly #start: CallStarter;
  readonly #server: Http2Server;
  readonly #memory: ReadMemory;
  readonly #sessions = new Map<ServerHttp2Session, Connection>();
  readonly #calls = new Set<ServerCall>();

  constructor(options: GrpcListenerOptions, start: CallStarter) {
    this.#options = options;
    this.#start = start;
    this.#memory = { budget: new BodyBudget(options.limits.maxBufferedBytes), garbage: new ReadGarbage() };
    this.#server = newServer(options);
    this.#server.maxConnections = options.limits.maxConnections;
    this.#server.on('session', (session) => this.#connected(session));
    this.#server.on('stream', (stream, headers, _flags, rawHeaders) => this.#called(stream, headers, rawHeaders));
    // A connection that breaks, or is no HTTP/2, is closed; nobody else is affected.
    this.#server.on('sessionError', () => {});
    this.#server.on('unknownProtocol', (socket) => socket.destroy());
  }

  /** Rejects with the system's error, for instance EADDRINUSE. */
  listen(): Promise<ListenAddress> {
    const { promise, resolve, reject } = Promise.withResolvers<ListenAddress>();
    const { host, port, reusePort } = this.#options;
    this.#server.once('error', reject);
    this.#server.listen({ host, port, reusePort: reusePort ?? false }, () => {
      this.#server.off('error', reject);
      const address = this.#server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
    return promise;
  }

  /** Takes no more calls, lets those in flight finish and settles when the last connection is closed. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const session of this.#sessions.keys()) session.close();
    for (const call of this.#calls) call.stopping();
    return promise;
  }

  /** Ends every connection at once. */
  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #connected(session: ServerHttp2Session): void {
    const { keepAlive, limits } = this.#options;
    this.#sessions.set(session, new Connection(session, keepAlive, limits.handshakeTimeoutMs));
    session.once('close', () => this.#sessions.delete(session));
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  }

  #called(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const connection =
      stream.session === undefined ? undefined : this.#sessions.get(stream.session as ServerHttp2Session);
    if (connection === undefined) {
      stream.destroy();
      return;
    }
    if (!isGrpc(headers)) {
      stream.on('error', () => {});
      stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true });
      return;
    }
    const { limits } = this.#options;
    const call = new ServerCall(stream, headers, rawHeaders, connection, limits, this.#memory);
    this.#calls.add(call);
    stream.once('close', () => this.#calls.delete(call));
    try {
      this.#start(call, headers[':path'] ?? '');
    } catch (error) {
      call.fail(error);
    }
  }
}

function newServer({ limits, tls }: GrpcListenerOptions): Http2Server {
  const options = {
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxConcurrentStreams: limits.maxConcurrentCalls,
      maxHeaderListSize: limits.maxHeaderBytes,
      enablePush: false,
    },
    maxSessionMemory: MAX_SESSION_MEGABYTES,
    maxHeaderListPairs: MAX_HEADER_PAIRS,
  };
  if (tls === undefined) return createServer(options);
  return createSecureServer({
    ...options,
    cert: tls.certificate,
    key: tls.key,
    ...(tls.clientRoots === undefined ? {} : { ca: tls.clientRoots, requestCert: true, rejectUnauthorized: true }),
  });
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'POST' && (headers['content-type']?.startsWith('application/grpc') ?? false);
}
