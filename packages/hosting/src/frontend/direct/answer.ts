import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';

/** What is answered to a request that was taken directly. */
export interface DirectAnswer {
  readonly status: number;
  /** Names and values in turns. Values hold no line breaks. */
  readonly headers: readonly string[];
  /** In memory, or as it comes. */
  readonly body: Buffer | Readable;
  /** Of a stream; undefined: sent in chunks. */
  readonly lengthBytes?: number | undefined;
  /** A stream that grows beyond it is broken off. */
  readonly maxBytes?: number;
}

/** Writes the heads of answers. */
export class AnswerHeads {
  readonly #keepAliveSeconds: number;
  #second = 0;
  #date = '';

  constructor(keepAliveSeconds: number) {
    this.#keepAliveSeconds = keepAliveSeconds;
  }

  /** From the status line to the empty line, in Latin-1. */
  text({ status, headers, body, lengthBytes }: DirectAnswer, keepsAlive: boolean): string {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\ndate: ${this.#now()}\r\n`;
    text += keepsAlive
      ? `connection: keep-alive\r\nkeep-alive: timeout=${this.#keepAliveSeconds}\r\n`
      : 'connection: close\r\n';
    for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
    const length = Buffer.isBuffer(body) ? body.length : lengthBytes;
    text += length === undefined ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`;
    return `${text}\r\n`;
  }

  /** SDKs set their clocks by it. Made once a second. */
  #now(): string {
    const nowMs = Date.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) [this.#second, this.#date] = [second, new Date(nowMs).toUTCString()];
    return this.#date;
  }
}
