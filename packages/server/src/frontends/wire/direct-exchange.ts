import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { AnswerHeads, DirectAnswer, DirectHead } from '@nereid/http';

/** A request on its way to inference: `node:http`'s, or one that was taken past it. */
export type WireRequest = IncomingMessage | DirectRequest;
/** Its answer. */
export type WireResponse = ServerResponse | DirectResponse;

/** A plain request, its body in memory. */
export class DirectRequest {
  readonly method = 'POST';
  readonly complete = true;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
  readonly body: Buffer;

  constructor(head: DirectHead, body: readonly Buffer[], socket: Socket) {
    this.url = head.rawPath;
    this.headers = head.headers;
    this.rawHeaders = head.rawHeaders;
    this.socket = socket;
    this.body = body.length === 1 ? body[0]! : Buffer.concat(body);
  }
}

/** What of `ServerResponse` an answer to a plain request needs; sent as a whole when it ends. */
export class DirectResponse {
  shouldKeepAlive = true;
  headersSent = false;
  /** The answer was given to the socket. */
  closed = false;
  readonly #socket: Socket;
  readonly #done: (answer: DirectAnswer) => void;
  #status = 200;
  #headers: readonly string[] = [];
  #parts: Uint8Array[] | undefined;

  constructor(socket: Socket, done: (answer: DirectAnswer) => void) {
    this.#socket = socket;
    this.#done = done;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  setHeader(name: string, value: string): void {
    this.#headers = [...this.#headers, name, value];
  }

  /** `headers`: names and values in turns, among them Content-Length. */
  writeHead(status: number, headers: readonly string[]): void {
    this.headersSent = true;
    this.#status = status;
    this.#headers = this.#headers.length === 0 ? headers : [...this.#headers, ...headers];
  }

  /** Nothing is written before the end. */
  cork(): void {}

  write(part: Uint8Array): void {
    this.#parts ??= [];
    this.#parts.push(part);
  }

  /** A string is Latin-1. */
  end(last: string | Uint8Array = '', _encoding: 'latin1' = 'latin1'): void {
    if (this.#parts !== undefined && typeof last !== 'string') this.#parts.push(last);
    const body = this.#parts ?? (typeof last === 'string' ? last : [last]);
    this.closed = true;
    this.#done({ status: this.#status, headers: this.#headers, body, closes: !this.shouldKeepAlive });
  }

  /** `listener` is called when the answer is out: there is no moment between. */
  once(_event: 'close', listener: () => void): void {
    listener();
  }
}

/** Heads of answers as `node:http` writes them without a date. */
export class PlainHeads implements AnswerHeads {
  readonly #keepAlive: string;

  constructor(keepAliveTimeoutMs: number) {
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n\r\n`;
  }

  text({ status, headers }: DirectAnswer, keepsAlive: boolean): string {
    let text = status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
    return text + (keepsAlive ? this.#keepAlive : 'Connection: close\r\n\r\n');
  }
}
