import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HttpLimits } from './limits.ts';
import { errorBody } from './reply.ts';

/** Something that wants to know when its connection is lost. */
export interface ConnectionUser {
  connectionLost(): void;
}

/** What a front end listens on. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Several processes may listen on the port (`SO_REUSEPORT`). */
  readonly reusePort?: boolean | undefined;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** How often connections are checked against their timeouts. */
const CHECK_INTERVAL_MS = 5_000;

/** One listening HTTP server with its limits; it also tells requests in flight when their client has gone. */
export class HttpListener {
  readonly #server: Server;
  readonly #options: ListenOptions;
  /** Requests in flight by connection; one listener per connection instead of one per request. */
  readonly #users = new WeakMap<Socket, Set<ConnectionUser>>();

  constructor(options: ListenOptions, limits: HttpLimits, handle: (req: IncomingMessage, res: ServerResponse) => void) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: limits.maxHeaderBytes,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveTimeoutMs,
        connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersTimeoutMs),
        noDelay: true,
      },
      (req, res) => {
        res.sendDate = false;
        handle(req, res);
      },
    );
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('connection', (socket: Socket) => this.#connected(socket));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket));
  }

  /** Rejects with the system's error, for instance EADDRINUSE. */
  listen(): Promise<ListenAddress> {
    const { promise, resolve, reject } = Promise.withResolvers<ListenAddress>();
    this.#server.once('error', reject);
    this.#server.listen({ ...this.#options, reusePort: this.#options.reusePort ?? false }, () => {
      this.#server.off('error', reject);
      const address = this.#server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
    return promise;
  }

  /** Takes no more connections, lets requests in flight finish and settles when the last connection is closed. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    return promise;
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#server.closeAllConnections();
  }

  /** Tells `user` when the connection of `req` is lost, until `unwatch`. */
  watch(req: IncomingMessage, user: ConnectionUser): void {
    this.#users.get(req.socket)?.add(user);
  }

  unwatch(req: IncomingMessage, user: ConnectionUser): void {
    this.#users.get(req.socket)?.delete(user);
  }

  #connected(socket: Socket): void {
    const users = new Set<ConnectionUser>();
    this.#users.set(socket, users);
    socket.on('close', () => {
      for (const user of users) user.connectionLost();
      users.clear();
    });
  }
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
