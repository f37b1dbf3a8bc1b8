import { STATUS_CODES } from 'node:http';
import { type AnswerHeads, bodyLength, type DirectAnswer } from '@nereid/http';

/** Heads of answers as AWS services write them: with a date, names in lower case. */
export class DatedHeads implements AnswerHeads {
  readonly #keepAliveSeconds: number;
  #second = 0;
  #date = '';

  constructor(keepAliveSeconds: number) {
    this.#keepAliveSeconds = keepAliveSeconds;
  }

  /** From the status line to the empty line, in Latin-1. */
  text(answer: DirectAnswer, keepsAlive: boolean): string {
    const { status, headers } = answer;
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\ndate: ${this.#now()}\r\n`;
    text += keepsAlive
      ? `connection: keep-alive\r\nkeep-alive: timeout=${this.#keepAliveSeconds}\r\n`
      : 'connection: close\r\n';
    for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
    const length = bodyLength(answer);
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
