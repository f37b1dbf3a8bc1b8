import type { Server, Socket } from 'node:net';
import { DirectConnection, type DirectOwner } from './connection.ts';

export interface DirectLaneOptions extends Pick<DirectOwner, 'rules' | 'heads' | 'serve' | 'idleTimeoutMs'> {
  /** Default: 500. */
  readonly bodyWaitMs?: number;
}

/** Some clients send head and body apart, at once. */
const BODY_WAIT_MS = 500;

/**
 * The way of plain requests past `node:http`, whose objects cost more than a small request's own work. Every connection begins here, and leaves
 * with the first request that is not plain.
 */
export class DirectLane {
  readonly #connections = new Set<DirectConnection>();
  readonly #owner: DirectOwner & { isClosing: boolean };

  /** Stands before `server`, of `node:http`: from now on its connections begin here. */
  constructor(server: Server, options: DirectLaneOptions) {
    const adopters = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.#take(socket));
    this.#owner = {
      bodyWaitMs: BODY_WAIT_MS,
      ...options,
      isClosing: false,
      handOver: (connection, socket) => {
        this.#connections.delete(connection);
        for (const adopt of adopters) adopt.call(server, socket);
      },
      onGone: (connection) => this.#connections.delete(connection),
    };
  }

  #take(socket: Socket): void {
    const connection = new DirectConnection(socket, this.#owner);
    if (this.#owner.isClosing) connection.close();
    else this.#connections.add(connection);
  }

  /** Ends every connection, those with a running request after its answer. */
  close(): void {
    this.#owner.isClosing = true;
    for (const connection of this.#connections) connection.close();
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#owner.isClosing = true;
    for (const connection of this.#connections) connection.destroy();
  }
}
