/**
 * Closed-loop gRPC load: `connections` connections of `streams` unary calls each that are under way at the same time. Runs as a process of its
 * own, takes its task as one JSON line on standard input and answers with one JSON line. Written on raw sockets for the reason http-load.ts is.
 */
import { connect, type Socket } from 'node:net';
import {
  ACK,
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW,
  END_STREAM,
  FRAME,
  FRAME_HEADER_BYTES,
  frame,
  frameHeader,
  MAX_WINDOW,
  PREFACE,
  RequestHeaders,
  SETTING,
  settings,
  windowUpdate,
} from './http2-frames.ts';
import { type AnswerHandler, measureLoad } from './load-result.ts';

export interface GrpcLoadTask {
  readonly host: string;
  readonly port: number;
  /** `/service/method` */
  readonly path: string;
  /** The message behind its gRPC prefix, base64. */
  readonly bodyBase64: string;
  readonly connections: number;
  readonly streams: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What a connection may receive before it tells the server to go on. */
const TOP_UP_BYTES = 2 ** 29;
/** Control frames are small. */
const MAX_CONTROL_BYTES = 16_384;

interface Call {
  readonly startNs: bigint;
  /** Bytes of the request that were sent. */
  sent: number;
  window: number;
  /** Of the answer. */
  received: number;
}

class Connection {
  readonly #socket: Socket;
  readonly #body: Buffer;
  readonly #headers: RequestHeaders;
  readonly #streams: number;
  readonly #onAnswer: AnswerHandler;
  readonly #calls = new Map<number, Call>();
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerLength = 0;
  /** Bytes of the current frame still to come. */
  #left = 0;
  #control: Buffer[] = [];
  #nextStream = 1;
  #window = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;
  #frameBytes = DEFAULT_FRAME_BYTES;
  #unacknowledged = 0;
  #started = false;
  #stopped = false;

  constructor(task: GrpcLoadTask, body: Buffer, onAnswer: AnswerHandler) {
    this.#body = body;
    this.#onAnswer = onAnswer;
    this.#streams = task.streams;
    this.#headers = new RequestHeaders([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', task.path],
      [':authority', `${task.host}:${task.port}`],
      ['te', 'trailers'],
      ['content-type', 'application/grpc'],
      ['user-agent', 'nereid-bench'],
      ['grpc-accept-encoding', 'identity, deflate, gzip'],
    ]);
    this.#socket = connect({ host: task.host, port: task.port, noDelay: true });
    this.#socket.on('data', (data) => this.#read(data));
    this.#socket.on('error', () => {
      if (!this.#stopped) this.#onAnswer(0, false);
    });
    this.#socket.write(PREFACE);
    this.#socket.write(settings([[SETTING.INITIAL_WINDOW_SIZE, MAX_WINDOW]]));
    this.#socket.write(windowUpdate(0, MAX_WINDOW - DEFAULT_WINDOW));
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.destroy();
  }

  #call(): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const call = { startNs: process.hrtime.bigint(), sent: 0, window: this.#initialWindow, received: 0 };
    this.#calls.set(stream, call);
    this.#socket.write(this.#headers.frame(stream, stream === 1));
    this.#send(stream, call);
  }

  #send(stream: number, call: Call): void {
    while (call.sent < this.#body.length) {
      const room = Math.min(call.window, this.#window, this.#frameBytes);
      if (room <= 0) return;
      const data = this.#body.subarray(call.sent, call.sent + room);
      call.sent += data.length;
      call.window -= data.length;
      this.#window -= data.length;
      const flags = call.sent === this.#body.length ? END_STREAM : 0;
      this.#socket.write(frameHeader(FRAME.DATA, flags, stream, data.length));
      this.#socket.write(data);
    }
  }

  #read(data: Buffer): void {
    this.#socket.cork();
    let rest = data;
    while (rest.length > 0 && !this.#stopped)
      rest = this.#left === 0 ? this.#readHeader(rest) : this.#readPayload(rest);
    this.#socket.uncork();
  }

  #readHeader(data: Buffer): Buffer {
    const taken = data.copy(this.#header, this.#headerLength);
    this.#headerLength += taken;
    if (this.#headerLength === FRAME_HEADER_BYTES) {
      this.#headerLength = 0;
      this.#left = this.#header.readUIntBE(0, 3);
      if (this.#left === 0) this.#frameDone();
    }
    return data.subarray(taken);
  }

  #readPayload(data: Buffer): Buffer {
    const part = data.subarray(0, this.#left);
    this.#left -= part.length;
    if (this.#header[3] === FRAME.DATA) this.#received(part.length);
    else if (this.#header[3] !== FRAME.HEADERS && part.length <= MAX_CONTROL_BYTES) this.#control.push(part);
    if (this.#left === 0) this.#frameDone();
    return data.subarray(part.length);
  }

  #received(byteLength: number): void {
    const call = this.#calls.get(this.#header.readUInt32BE(5));
    if (call !== undefined) call.received += byteLength;
    this.#unacknowledged += byteLength;
    if (this.#unacknowledged < TOP_UP_BYTES) return;
    this.#socket.write(windowUpdate(0, this.#unacknowledged));
    this.#unacknowledged = 0;
  }

  #frameDone(): void {
    const [type, flags, stream] = [this.#header[3], this.#header[4]!, this.#header.readUInt32BE(5)];
    const payload = Buffer.concat(this.#control);
    this.#control = [];
    if (type === FRAME.SETTINGS && (flags & ACK) === 0) this.#settings(payload);
    else if (type === FRAME.PING && (flags & ACK) === 0) this.#socket.write(frame(FRAME.PING, ACK, 0, payload));
    else if (type === FRAME.WINDOW_UPDATE) this.#windowUpdate(stream, payload.readUInt32BE(0));
    else if (type === FRAME.GOAWAY) throw new Error('the server closed the connection');
    else if (type === FRAME.RST_STREAM) this.#finish(stream, false);
    else if ((type === FRAME.HEADERS || type === FRAME.DATA) && (flags & END_STREAM) !== 0) this.#finish(stream, true);
  }

  #settings(payload: Buffer): void {
    for (let offset = 0; offset < payload.length; offset += 6) {
      const value = payload.readUInt32BE(offset + 2);
      const name = payload.readUInt16BE(offset);
      if (name === SETTING.MAX_FRAME_SIZE) this.#frameBytes = value;
      if (name === SETTING.INITIAL_WINDOW_SIZE) this.#initialWindow = value;
    }
    this.#socket.write(frame(FRAME.SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (this.#started) return;
    this.#started = true;
    for (let index = 0; index < this.#streams; index++) this.#call();
  }

  #windowUpdate(stream: number, byteLength: number): void {
    if (stream === 0) {
      this.#window += byteLength;
      for (const [id, call] of this.#calls) this.#send(id, call);
      return;
    }
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    call.window += byteLength;
    this.#send(stream, call);
  }

  /** An answer without a message is an error: only `grpc-status: 0` comes with one. */
  #finish(stream: number, ended: boolean): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    this.#calls.delete(stream);
    this.#onAnswer(Number(process.hrtime.bigint() - call.startNs) / 1000, ended && call.received > 0);
    if (!this.#stopped) this.#call();
  }
}

let input = '';
for await (const chunk of process.stdin) input += String(chunk);
const task = JSON.parse(input) as GrpcLoadTask;
const body = Buffer.from(task.bodyBase64, 'base64');
const result = await measureLoad(task, (onAnswer) => new Connection(task, body, onAnswer));
process.stdout.write(`${JSON.stringify(result)}\n`);
