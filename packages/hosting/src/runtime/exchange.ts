import { validationError } from '../errors.ts';
import type { AnswerHead } from './answer-parser.ts';
import type { ContainerConnection, ExchangeHandler } from './container-connection.ts';
import { UpstreamAnswer } from './upstream-answer.ts';
import { ClientBodyError, UpstreamError, type UpstreamFailure, type UpstreamRequest } from './upstream-request.ts';

/** Up to this size a body is copied behind its head: one write costs less than two. */
const JOINED_BYTES = 32 * 1024;
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/** One request and its answer on one connection. */
export class Exchange implements ExchangeHandler {
  readonly #connection: ContainerConnection;
  readonly #request: UpstreamRequest;
  readonly #resolve: (answer: UpstreamAnswer) => void;
  readonly #reject: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #stay: (() => void) | undefined;
  #answer: UpstreamAnswer | undefined;
  #failure: UpstreamFailure | undefined;
  #bodyError: unknown;

  constructor(
    connection: ContainerConnection,
    request: UpstreamRequest,
    resolve: (answer: UpstreamAnswer) => void,
    reject: (error: Error) => void,
  ) {
    this.#connection = connection;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(): void {
    const { body, timeoutMs, caller } = this.#request;
    this.#connection.begin(this);
    this.#timer = setTimeout(() => this.#give('timeout'), timeoutMs);
    this.#stay = caller?.onGone(() => this.#give('aborted'));
    const content = body?.content();
    const head = requestHead(this.#request);
    if (content === undefined) this.#connection.write(Buffer.from(head, 'latin1'));
    else if (content instanceof Uint8Array) this.#writeWhole(head, content);
    else if (isPieces(content)) this.#connection.writeTogether([Buffer.from(head, 'latin1'), ...content]);
    else void this.#writeStream(head, content);
  }

  onHead(head: AnswerHead): void {
    this.#answer = new UpstreamAnswer(this.#connection, head);
    this.#resolve(this.#answer);
  }

  onBody(chunk: Buffer): void {
    this.#answer?.receive(chunk);
  }

  onEnd(): void {
    this.#finish();
    this.#answer?.complete();
  }

  onFailure(error: Error, wasSent: boolean): void {
    this.#finish();
    const cause = this.#failure === undefined ? error : new Error(this.#failure);
    if (this.#answer) this.#answer.fail(cause);
    else if (this.#bodyError !== undefined)
      this.#reject(new ClientBodyError('the request body could not be read', { cause: this.#bodyError }));
    else this.#reject(new UpstreamError(this.#failure ?? (wasSent ? 'broken' : 'refused'), !wasSent, cause));
  }

  #writeWhole(head: string, body: Uint8Array): void {
    if (body.length > JOINED_BYTES) {
      this.#connection.writeTogether([Buffer.from(head, 'latin1'), body]);
      return;
    }
    const joined = Buffer.allocUnsafe(head.length + body.length);
    joined.write(head, 'latin1');
    joined.set(body, head.length);
    this.#connection.write(joined);
  }

  async #writeStream(head: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const connection = this.#connection;
    const announced = this.#request.body?.lengthBytes;
    let sentBytes = 0;
    try {
      connection.write(Buffer.from(head, 'latin1'));
      for await (const chunk of body) {
        sentBytes += chunk.length;
        if (announced !== undefined && sentBytes > announced) throw wrongLength(announced);
        if (this.#isOver()) return;
        if (!this.#writeChunk(chunk, announced === undefined)) await connection.drained();
      }
      if (announced === undefined) connection.write(LAST_CHUNK);
      else if (sentBytes < announced) throw wrongLength(announced);
    } catch (error) {
      if (this.#isOver()) return;
      this.#bodyError = error;
      connection.destroy();
    }
  }

  #writeChunk(chunk: Uint8Array, isFramed: boolean): boolean {
    if (!isFramed) return this.#connection.write(chunk);
    if (chunk.length === 0) return true;
    return this.#connection.writeTogether([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, LINE_END]);
  }

  /** The answer has ended, or the connection has: the rest of the request is of no interest. */
  #isOver(): boolean {
    return this.#timer === undefined;
  }

  /** Gives the request up by breaking its connection. */
  #give(failure: UpstreamFailure): void {
    this.#failure = failure;
    this.#connection.destroy();
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stay?.();
  }
}

function isPieces(content: readonly Uint8Array[] | AsyncIterable<Uint8Array>): content is readonly Uint8Array[] {
  return Array.isArray(content);
}

function wrongLength(announcedBytes: number): Error {
  return validationError(`The request body is not ${announcedBytes} bytes long, as its Content-Length says.`);
}

function requestHead({ method, path, target, headers, body }: UpstreamRequest): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${target.host}:${target.port}\r\nconnection: keep-alive\r\n`;
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  if (body === undefined) text += method === 'POST' ? 'content-length: 0\r\n' : '';
  else if (body.lengthBytes === undefined) text += 'transfer-encoding: chunked\r\n';
  else text += `content-length: ${body.lengthBytes}\r\n`;
  return `${text}\r\n`;
}
