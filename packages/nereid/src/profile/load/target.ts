import { HttpConnection } from './http-connection.ts';

/** Where a load goes and what it is made of. */
export interface LoadTarget {
  readonly host: string;
  readonly port: number;
  /** The whole request, headers included, that a client sends as its `index`-th. */
  request(client: number, index: number): Uint8Array;
}

/** One request that was answered, or not. Times are `performance.now()`. */
export interface Sample {
  /** When it was to be sent: a request that had to wait for a connection waited for the server. */
  readonly startMs: number;
  readonly endMs: number;
  /** Undefined for a good answer. */
  readonly error: string | undefined;
}

/** A load that runs until it is stopped. */
export interface Load {
  /** Requests that were answered since the last call. */
  drain(): Sample[];
  stop(): Promise<void>;
}

/** A connection that is opened anew after a failure. */
export class Client {
  readonly #target: LoadTarget;
  readonly #number: number;
  #connection: HttpConnection | undefined;
  #sent = 0;

  constructor(target: LoadTarget, number: number) {
    this.#target = target;
    this.#number = number;
  }

  /** Sends the next request; never rejects. `startMs` is when it was due. */
  async send(startMs: number): Promise<Sample> {
    const { host, port } = this.#target;
    if (this.#connection?.isOpen !== true) this.#connection = new HttpConnection(host, port);
    const request = this.#target.request(this.#number, this.#sent++);
    try {
      const { status, excerpt } = await this.#connection.send(request);
      return { startMs, endMs: performance.now(), error: status === 200 ? undefined : `${status} ${excerpt}` };
    } catch (error) {
      return { startMs, endMs: performance.now(), error: (error as Error).message };
    }
  }

  close(): void {
    this.#connection?.close();
  }
}
