import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  /** The first bytes of the body when the status is not 200, for the error text. */
  readonly excerpt: string;
}

const HEADER_END = Buffer.from('\r\n\r\n');
const MAX_HEADER_BYTES = 65_536;
const MAX_EXCERPT_BYTES = 500;

/**
 * A keep-alive connection with one request outstanding at a time, on a raw socket: the generator shares the machine with the server it measures, and
 * an HTTP client library would take as much of it. Reads only the status, `Content-Length` and where the body ends.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the body still to come; -1 while the headers are read. */
  #remaining = -1;
  #status = 0;
  #excerpt = '';
  #answer: PromiseWithResolvers<HttpAnswer> | undefined;
  #failure: Error | undefined;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Sends a whole request, headers included. Rejects when the connection breaks before its answer is there. */
  send(request: Uint8Array): Promise<HttpAnswer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#answer = Promise.withResolvers<HttpAnswer>();
    this.#socket.write(request);
    return this.#answer.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const body = this.#remaining < 0 ? this.#readHead(chunk) : chunk;
    if (body === undefined) return;
    if (this.#status !== 200 && this.#excerpt.length < MAX_EXCERPT_BYTES) {
      this.#excerpt += body.toString('utf8', 0, MAX_EXCERPT_BYTES);
    }
    this.#remaining -= body.length;
    if (this.#remaining > 0) return;
    this.#remaining = -1;
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.resolve({ status: this.#status, excerpt: this.#excerpt });
  }

  /** The part of the body that came with the headers; undefined while they are not complete. */
  #readHead(chunk: Buffer): Buffer | undefined {
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf(HEADER_END);
    if (end < 0) {
      if (this.#head.length > MAX_HEADER_BYTES) this.#fail(new Error('the answer has endless headers'));
      return undefined;
    }
    const head = this.#head.toString('latin1', 0, end);
    const body = this.#head.subarray(end + HEADER_END.length);
    this.#head = Buffer.alloc(0);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#fail(new Error('the answer has no Content-Length'));
      return undefined;
    }
    this.#status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    this.#excerpt = '';
    this.#remaining = Number(length);
    return body;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#answer?.reject(this.#failure);
    this.#answer = undefined;
    this.#socket.destroy();
  }
}
