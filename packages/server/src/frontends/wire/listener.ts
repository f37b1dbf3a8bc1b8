import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { type DirectAnswer, DirectLane } from '@nereid/http';
import { StatusError } from '@nereid/protocol';
import type { Logger } from '../../inference/index.ts';
import type { Denial, GuardedApi, RequestGate } from '../auth/gate.ts';
import { type ConnectionUser, ConnectionUsers } from './connection-users.ts';
import { DirectRequest, DirectResponse, PlainHeads, type WireRequest, type WireResponse } from './direct-exchange.ts';
import type { HttpLimits } from './limits.ts';
import { pathOf } from './path.ts';
import { errorBody, sendEarly, sendErrorText } from './reply.ts';
import { type HttpTlsOptions, readTlsContext, tlsFiles } from './tls.ts';
import { TurnBudget } from './turn-budget.ts';
import { WatchedFiles } from './watched-files.ts';

/** What a front end listens on. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Several processes may listen on the port (`SO_REUSEPORT`). */
  readonly reusePort?: boolean | undefined;
}

/** What an HTTP front end listens on, and who gets in. */
export interface HttpListenOptions extends ListenOptions {
  /** Not given: everybody gets in. */
  readonly gate?: RequestGate | undefined;
  /** Not given: plain connections. */
  readonly tls?: HttpTlsOptions | undefined;
}

/** What a front end does with requests. */
export interface RequestHandling {
  /** The group of routes that a request belongs to; undefined for a path that leads nowhere. */
  apiOf(path: string, method: string): GuardedApi | undefined;
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** Small requests that are taken past `node:http`, on connections without TLS: POST to these paths. */
  readonly direct?: DirectHandling | undefined;
}

export interface DirectHandling {
  readonly path: RegExp;
  handle(req: DirectRequest, res: DirectResponse): void;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** How often connections are checked against their timeouts. */
const CHECK_INTERVAL_MS = 5_000;
/** Bodies up to this size are taken directly. */
const MAX_DIRECT_BYTES = 64 * 1024;
/** How long connections that seem idle are kept when the server stops: a request may be on its way on them. */
const IDLE_GRACE_MS = 500;

/** One listening HTTP server with its limits and its gate; it also tells requests in flight when their client has gone. */
export class HttpListener {
  readonly #server: Server | SecureServer;
  readonly #options: HttpListenOptions;
  readonly #handling: RequestHandling;
  readonly #log: Logger | undefined;
  readonly #certificates: WatchedFiles | undefined;
  /** Requests in flight by connection; one listener per connection instead of one per request. */
  readonly #users = new WeakMap<Socket, ConnectionUsers>();
  readonly #budget = new TurnBudget();
  readonly #lane: DirectLane | undefined;
  #closing = false;

  /** Throws StatusError INVALID_ARG for TLS files that cannot be used. */
  constructor(options: HttpListenOptions, limits: HttpLimits, handling: RequestHandling, log?: Logger) {
    this.#options = options;
    this.#handling = handling;
    this.#log = log;
    const handle = (req: IncomingMessage, res: ServerResponse): void =>
      this.#budget.run(() => {
        // Its client may have gone while it waited for a turn.
        if (!req.socket.destroyed) this.#handle(req, res);
      });
    this.#server =
      options.tls === undefined
        ? createServer(serverOptions(limits), handle)
        : createSecureServer(
            {
              ...serverOptions(limits),
              ...readTlsContext(options.tls),
              requestCert: options.tls.clientRootFile !== undefined,
              handshakeTimeout: limits.headersTimeoutMs,
            },
            handle,
          );
    this.#certificates = options.tls && this.#follow(options.tls);
    this.#server.maxConnections = limits.maxConnections;
    this.#lane = options.tls === undefined && handling.direct ? this.#openLane(handling.direct, limits) : undefined;
    const connection = options.tls === undefined ? 'connection' : 'secureConnection';
    this.#server.prependListener(connection, (socket: Socket) => this.#connected(socket));
    // A handshake that fails is the client's business; its connection is closed already.
    this.#server.on('tlsClientError', () => {});
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket));
  }

  /** Rejects with the system's error, for instance EADDRINUSE. */
  listen(): Promise<ListenAddress> {
    const { promise, resolve, reject } = Promise.withResolvers<ListenAddress>();
    this.#server.once('error', reject);
    const { host, port, reusePort } = this.#options;
    this.#server.listen({ host, port, reusePort: reusePort ?? false }, () => {
      this.#server.off('error', reject);
      const address = this.#server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
    return promise;
  }

  /**
   * Takes no more connections and settles when the last one is closed. Requests in flight finish, and so do those that come in meanwhile on
   * open connections: their answers say that the connection closes, so no client loses an answer to a connection closed under its request.
   */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing = true;
    this.#certificates?.close();
    // Node's own close() ends idle connections at once; it follows after the grace.
    const closeIdle = (): void => {
      this.#lane?.close();
      this.#server.close();
    };
    const grace = setTimeout(closeIdle, IDLE_GRACE_MS);
    NetServer.prototype.close.call(this.#server, () => {
      clearTimeout(grace);
      closeIdle();
      resolve();
    });
    return promise;
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#lane?.destroy();
    this.#server.closeAllConnections();
  }

  /** Tells `user` when the connection of `req` is lost, until `unwatch`. */
  watch(req: WireRequest, user: ConnectionUser): void {
    this.#users.get(req.socket)?.add(user);
  }

  unwatch(req: WireRequest, user: ConnectionUser): void {
    this.#users.get(req.socket)?.delete(user);
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    res.sendDate = false;
    if (this.#admits(req, res)) this.#handling.handle(req, res);
  }

  /** False: the request was answered here. */
  #admits(req: WireRequest, res: WireResponse): boolean {
    if (this.#closing) res.shouldKeepAlive = false;
    const { gate } = this.#options;
    if (gate === undefined) return true;
    const api = this.#handling.apiOf(pathOf(req.url ?? ''), req.method ?? '');
    const denial = gate.denial(req.headers, api);
    if (denial === undefined) return true;
    sendEarly(req, res, () => deny(res, denial));
    return false;
  }

  /** Connections begin in a lane of their own, and become `node:http`'s with the first request that is not plain. */
  #openLane(direct: DirectHandling, limits: HttpLimits): DirectLane {
    return new DirectLane(this.#server, {
      rules: { path: direct.path, maxBodyBytes: Math.min(MAX_DIRECT_BYTES, limits.maxBodyBytes) },
      heads: new PlainHeads(limits.keepAliveTimeoutMs),
      idleTimeoutMs: limits.keepAliveTimeoutMs,
      serve: (head, body, caller, done) =>
        this.#serveDirect(direct, new DirectRequest(head, body, caller.socket), done),
    });
  }

  #serveDirect(direct: DirectHandling, req: DirectRequest, done: (answer: DirectAnswer) => void): void {
    this.#budget.run(() => {
      const res = new DirectResponse(req.socket, done);
      if (!req.socket.destroyed && this.#admits(req, res)) direct.handle(req, res);
    });
  }

  /** New certificates hold for new connections. */
  #follow(tls: HttpTlsOptions): WatchedFiles {
    return new WatchedFiles(tlsFiles(tls), () => {
      try {
        (this.#server as SecureServer).setSecureContext(readTlsContext(tls));
        this.#log?.info(`read the certificate '${tls.certificateFile}' again`);
      } catch (error) {
        this.#log?.error(`${StatusError.from(error).message}; the certificate read before stays in use`);
      }
    });
  }

  #connected(socket: Socket): void {
    const users = new ConnectionUsers();
    this.#users.set(socket, users);
    socket.on('close', () => users.connectionLost());
  }
}

function serverOptions(limits: HttpLimits): ServerOptions {
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersTimeoutMs),
    noDelay: true,
  };
}

function deny(res: WireResponse, { kind, message, challenge }: Denial): void {
  res.setHeader('WWW-Authenticate', challenge);
  sendErrorText(res, kind === 'unauthenticated' ? 401 : 403, message);
}

/** Answers what is not HTTP, too long or too slow, and closes the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, message] = refusal(error.code);
  const body = Buffer.from(errorBody(message)).toString('latin1');
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    'latin1',
  );
}

function refusal(code: string | undefined): readonly [string, string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'request headers are too large'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'request timeout'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return ['413 Payload Too Large', 'chunk extensions are too large'];
    default:
      return ['400 Bad Request', 'malformed HTTP request'];
  }
}
