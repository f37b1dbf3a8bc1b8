/**
 * Closed-loop HTTP load: `connections` keep-alive sockets, each with one request outstanding. Runs as a process of its own (`node http-load.ts`),
 * takes its task as one JSON line on standard input and answers with one JSON line. Written on raw sockets so that the client takes little
 * of the machine: it looks only for the end of the headers, Content-Length and the status.
 */
import { connect, type Socket } from 'node:net';
import { type AnswerHandler, measureLoad } from './load-result.ts';

export interface LoadTask {
  readonly host: string;
  readonly port: number;
  /** The whole request, headers included, base64. */
  readonly requestBase64: string;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const HEADER_END = Buffer.from('\r\n\r\n');

class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #onAnswer: AnswerHandler;
  #pending: Buffer = Buffer.alloc(0);
  #sentNs = 0n;
  /** Bytes of the current answer still to come; -1 while its headers are being read. */
  #remaining = -1;
  #ok = true;
  #stopped = false;

  constructor(task: LoadTask, request: Buffer, onAnswer: AnswerHandler) {
    this.#request = request;
    this.#onAnswer = onAnswer;
    this.#socket = connect({ host: task.host, port: task.port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', () => this.#onAnswer(0, false));
    this.#start();
  }

  #start(): void {
    this.#sentNs = process.hrtime.bigint();
    this.#socket.write(this.#request);
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#remaining < 0) {
      this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
      const end = this.#pending.indexOf(HEADER_END);
      if (end < 0) return;
      const head = this.#pending.toString('latin1', 0, end);
      this.#ok = head.startsWith('HTTP/1.1 200');
      const length = /^content-length: *(\d+)/im.exec(head)?.[1];
      if (length === undefined) throw new Error(`an answer without Content-Length:\n${head}`);
      this.#remaining = Number(length) - (this.#pending.length - end - HEADER_END.length);
      this.#pending = Buffer.alloc(0);
    } else {
      this.#remaining -= chunk.length;
    }
    if (this.#remaining > 0 || this.#stopped) return;
    this.#remaining = -1;
    this.#onAnswer(Number(process.hrtime.bigint() - this.#sentNs) / 1000, this.#ok);
    if (!this.#stopped) this.#start();
  }
}

let input = '';
for await (const chunk of process.stdin) input += String(chunk);
const task = JSON.parse(input) as LoadTask;
const request = Buffer.from(task.requestBase64, 'base64');
const result = await measureLoad(task, (onAnswer) => new Connection(task, request, onAnswer));
process.stdout.write(`${JSON.stringify(result)}\n`);
