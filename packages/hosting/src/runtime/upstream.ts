import { ConnectionPool } from './connection-pool.ts';
import { Exchange } from './exchange.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** HTTP to containers over kept connections. */
export class Upstream {
  readonly #pool = new ConnectionPool();

  /** Resolves with the answer's head; its body is still to come. Rejects with UpstreamError or ClientBodyError. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      const connection = this.#pool.take(request.target);
      new Exchange(connection, request, resolve, reject).run();
    });
  }

  close(): void {
    this.#pool.close();
  }
}
