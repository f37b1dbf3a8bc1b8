import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import {
  ACCEPTED_ENCODINGS,
  type CompressionLevel,
  type MessageEncoding,
  packMessage,
  requestEncoding,
  responseEncoding,
  unpackMessage,
} from './compression.ts';
import type { Connection } from './connection.ts';
import { type EncodedMessage, PREFIX_BYTES } from './encoded-message.ts';
import type { GrpcLimits } from './limits.ts';
import { MessageReader, type ReadMemory } from './message-reader.ts';
import { encodeStatusMessage, GRPC_STATUS, GrpcError, type GrpcStatus, grpcStatus, OK } from './status.ts';
import { parseTimeout } from './timeout.ts';

/** What a method does with a call. */
export interface CallHandler {
  /** One message of the client, unpacked. What it throws becomes the call's status. */
  message(message: Buffer): void;
  /** The client has sent everything. */
  halfClosed(): void;
  /** The client has gone or its deadline has passed; nothing can be sent any more. */
  cancelled(): void;
  /** Everything that was sent has been taken. */
  drained?(): void;
  /** The server is about to stop: end the call as soon as nothing is lost by it. */
  stopping?(): void;
}

const CONTENT_TYPE = 'application/grpc';
const PLAIN_HEADERS = {
  ':status': 200,
  'content-type': CONTENT_TYPE,
  'grpc-accept-encoding': ACCEPTED_ENCODINGS,
} as const;
/** Nobody reads a date, and making one costs more than the rest of the headers. */
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const ALONE = { endStream: true, sendDate: false };
const OK_TRAILERS = { 'grpc-status': '0' } as const;
const COMPRESSED_FLAG = 1;

/** A message on its way out: packed or not yet. */
interface Outgoing {
  parts: readonly Uint8Array[] | undefined;
}

/** One gRPC call on the server's side: messages in, messages out, a status at the end. */
export class ServerCall {
  readonly headers: IncomingHttpHeaders;
  /** Metadata as sent: names and values, one after the other. */
  readonly rawHeaders: readonly string[];
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #limits: GrpcLimits;
  readonly #reader: MessageReader;
  #handler: CallHandler | undefined;
  #encoding: MessageEncoding = 'identity';
  #deadline: NodeJS.Timeout | undefined;
  /** Messages that wait for one in front of them to be unpacked. */
  readonly #incoming: { readonly bytes: Buffer; readonly compressed: boolean }[] = [];
  #unpacking = false;
  #ended = false;
  #paused = false;
  #answering: MessageEncoding = 'identity';
  #headersSent = false;
  /** Messages that wait for one in front of them to be packed. */
  readonly #outgoing: Outgoing[] = [];
  #status: GrpcStatus | undefined;
  #over = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    connection: Connection,
    limits: GrpcLimits,
    memory: ReadMemory,
  ) {
    this.#stream = stream;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.#connection = connection;
    this.#limits = limits;
    this.#reader = new MessageReader(limits.maxMessageBytes, memory, (bytes, compressed) =>
      this.#received(bytes, compressed),
    );
    // A stream's error is followed by its end, which is all that matters here.
    stream.on('error', ignore);
    const closed = (): void => this.#closed();
    stream.on('close', closed);
    stream.on('aborted', closed);
    connection.callStarted();
  }

  /** True when nothing can be sent any more. */
  get over(): boolean {
    return this.#over || this.#status !== undefined;
  }

  /** Bytes that the client has not taken yet. */
  get unsentBytes(): number {
    return this.#stream.writableLength;
  }

  /** Begins to read. `level` is the compression of the answers. */
  start(handler: CallHandler, level: CompressionLevel = 'none'): void {
    this.#handler = handler;
    try {
      this.#encoding = requestEncoding(single(this.headers['grpc-encoding']));
      this.#answering = responseEncoding(level, single(this.headers['grpc-accept-encoding']));
      this.#limitTime();
    } catch (error) {
      this.fail(error);
      return;
    }
    const stream = this.#stream;
    stream.on('data', (data: Buffer) => this.#data(data));
    stream.on('end', () => this.#end());
    if (handler.drained !== undefined) stream.on('drain', () => handler.drained?.());
  }

  /** Reads no more from the client until `resume`. */
  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#unpacking) this.#stream.resume();
    this.#deliver();
  }

  get paused(): boolean {
    return this.#paused;
  }

  send(message: EncodedMessage): void {
    if (this.over) return;
    if (this.#answering === 'identity') {
      this.#write(message.parts);
      return;
    }
    const slot: Outgoing = { parts: undefined };
    this.#outgoing.push(slot);
    this.#pack(this.#answering, message, (parts) => {
      slot.parts = parts;
      this.#flush();
    });
  }

  /** Sends the only message of a call and ends it. */
  answer(message: EncodedMessage): void {
    if (this.over) return;
    if (this.#answering !== 'identity' || this.#headersSent) {
      this.send(message);
      this.finish(OK);
      return;
    }
    this.#status = OK;
    this.#sendHeaders();
    const { parts } = message;
    for (let index = 0; index < parts.length - 1; index++) this.#stream.write(parts[index]);
    this.#stream.end(parts.at(-1));
  }

  /** Ends the call; messages sent before still go out. */
  finish(status: GrpcStatus): void {
    if (this.over) return;
    this.#status = status;
    this.#flush();
  }

  /** Ends the call with the status of an error. */
  fail(error: unknown): void {
    this.finish(grpcStatus(error));
  }

  /** The server is about to stop. */
  stopping(): void {
    if (!this.over) this.#handler?.stopping?.();
  }

  #limitTime(): void {
    const timeoutMs = parseTimeout(single(this.headers['grpc-timeout']));
    if (timeoutMs === undefined) return;
    this.#deadline = setTimeout(() => {
      if (this.over) return;
      this.#handler?.cancelled();
      this.finish({ code: GRPC_STATUS.DEADLINE_EXCEEDED, message: 'Deadline Exceeded' });
    }, timeoutMs);
  }

  #data(data: Buffer): void {
    this.#connection.dataReceived();
    if (this.over) return;
    try {
      this.#reader.push(data);
    } catch (error) {
      this.#reader.abandon();
      this.#abort(error);
    }
  }

  /** Ends the call in the middle of what it does. */
  #abort(error: unknown): void {
    this.#handler?.cancelled();
    this.fail(error);
  }

  #received(bytes: Buffer, compressed: boolean): void {
    if (!compressed && !this.#unpacking && !this.#paused && this.#incoming.length === 0) {
      this.#hand(bytes);
      return;
    }
    this.#incoming.push({ bytes, compressed });
    this.#deliver();
  }

  /** Hands on what has come, in order. */
  #deliver(): void {
    while (!this.#unpacking && !this.#paused && !this.over) {
      const next = this.#incoming.shift();
      if (next === undefined) break;
      if (next.compressed) this.#unpack(next.bytes);
      else this.#hand(next.bytes);
    }
    if (this.#ended && !this.#unpacking && !this.#paused && this.#incoming.length === 0) this.#halfClose();
  }

  #unpack(bytes: Buffer): void {
    this.#unpacking = true;
    this.#stream.pause();
    let inline = true;
    unpackMessage(this.#encoding, bytes, this.#limits.maxUnpackedBytes, (error, unpacked) => {
      this.#unpacking = false;
      if (!this.#paused) this.#stream.resume();
      if (error !== undefined) {
        this.#abort(error);
      } else if (!this.over) this.#hand(unpacked);
      if (!inline) this.#deliver();
    });
    inline = false;
  }

  #hand(message: Buffer): void {
    try {
      this.#handler?.message(message);
    } catch (error) {
      this.#abort(error);
    }
  }

  #end(): void {
    if (this.#reader.partial) {
      this.#reader.abandon();
      this.#abort(new GrpcError(GRPC_STATUS.INTERNAL, 'Message is cut off'));
      return;
    }
    this.#ended = true;
    this.#deliver();
  }

  #halfClose(): void {
    this.#ended = false;
    if (this.over) return;
    try {
      this.#handler?.halfClosed();
    } catch (error) {
      this.fail(error);
    }
  }

  #pack(encoding: 'deflate' | 'gzip', message: EncodedMessage, done: (parts: readonly Uint8Array[]) => void): void {
    const { parts, byteLength } = message;
    const whole = Buffer.concat(parts, byteLength);
    packMessage(encoding, whole.subarray(PREFIX_BYTES), (packed) => {
      if (packed === undefined) {
        done([whole]);
        return;
      }
      const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
      prefix[0] = COMPRESSED_FLAG;
      prefix.writeUInt32BE(packed.length, 1);
      done([prefix, packed]);
    });
  }

  /** Sends what is ready, in order, and the status behind the last message. */
  #flush(): void {
    while (this.#outgoing.length > 0) {
      const { parts } = this.#outgoing[0]!;
      if (parts === undefined) return;
      this.#outgoing.shift();
      this.#write(parts);
    }
    if (this.#status !== undefined) this.#sendStatus(this.#status);
  }

  #write(parts: readonly Uint8Array[]): void {
    if (this.#stream.destroyed || this.#stream.closed || this.#over) return;
    this.#sendHeaders();
    for (const part of parts) this.#connection.write(this.#stream, part);
  }

  #sendHeaders(): void {
    if (this.#headersSent || this.#stream.destroyed || this.#stream.closed) return;
    this.#headersSent = true;
    const headers =
      this.#answering === 'identity' ? PLAIN_HEADERS : { ...PLAIN_HEADERS, 'grpc-encoding': this.#answering };
    this.#stream.respond(headers, WITH_TRAILERS);
    this.#stream.on('wantTrailers', () => {
      this.#stream.sendTrailers(trailers(this.#status ?? OK));
      // Only now: closing a stream drops trailers that are still to come.
      if (!this.#stream.readableEnded) setImmediate(() => this.#stopReading());
    });
    this.#connection.headersSent();
  }

  #sendStatus(status: GrpcStatus): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed || this.#over) return;
    if (this.#headersSent) {
      if (!stream.writableEnded) stream.end();
      return;
    }
    this.#headersSent = true;
    stream.respond({ ...PLAIN_HEADERS, ...trailers(status) }, ALONE);
    this.#connection.headersSent();
    this.#stopReading();
  }

  /** Tells a client that still sends to stop. */
  #stopReading(): void {
    if (!this.#stream.readableEnded && !this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #closed(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#connection.callEnded();
    this.#reader.abandon();
    this.#incoming.length = 0;
    this.#outgoing.length = 0;
    if (this.#status === undefined) this.#handler?.cancelled();
    this.#handler = undefined;
  }
}

function trailers({ code, message }: GrpcStatus): Record<string, string> {
  if (code === GRPC_STATUS.OK) return OK_TRAILERS;
  const status = { 'grpc-status': String(code) };
  return message === '' ? status : { ...status, 'grpc-message': encodeStatusMessage(message) };
}

function ignore(): void {}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
