import type { Socket } from 'node:net';
import { AnswerHeads } from './answer.ts';
import { DirectConnection, type DirectOwner } from './connection.ts';

export interface DirectLaneOptions
  extends Pick<DirectOwner, 'serve' | 'maxBodyBytes' | 'idleTimeoutMs' | 'bodyTimeoutMs'> {
  /** Gives a connection to `node:http`; what was read of it already is in the socket again. */
  readonly adopt: (socket: Socket) => void;
}

/**
 * The way of plain InvokeEndpoint requests past `node:http`: an invocation is a small amount of work between two sockets, and most of its cost
 * would be objects that nobody looks at. Every connection begins here, and leaves with the first request that is not plain.
 */
export class DirectLane {
  readonly #connections = new Set<DirectConnection>();
  readonly #owner: DirectOwner & { isClosing: boolean };

  constructor({ adopt, idleTimeoutMs, ...options }: DirectLaneOptions) {
    this.#owner = {
      ...options,
      idleTimeoutMs,
      heads: new AnswerHeads(Math.floor(idleTimeoutMs / 1000)),
      isClosing: false,
      handOver: (connection, socket) => {
        this.#connections.delete(connection);
        adopt(socket);
      },
      onGone: (connection) => this.#connections.delete(connection),
    };
  }

  take(socket: Socket): void {
    const connection = new DirectConnection(socket, this.#owner);
    if (this.#owner.isClosing) connection.close();
    else this.#connections.add(connection);
  }

  /** Ends every connection, those with a running request after its answer. */
  close(): void {
    this.#owner.isClosing = true;
    for (const connection of this.#connections) connection.close();
  }
}
