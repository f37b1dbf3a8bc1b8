import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type AnswerHeads, type DirectAnswer, isStream } from './answer.ts';
import { type DirectHead, DirectHeads, type DirectRules } from './request-head.ts';

/** Who waits for an answer. */
export interface DirectCaller {
  readonly socket: Socket;
  /** Calls `leave` once when they are gone; the result takes the subscription back. */
  onGone(leave: () => void): () => void;
}

/** What a connection asks of its lane. */
export interface DirectOwner {
  readonly rules: DirectRules;
  readonly heads: AnswerHeads;
  readonly idleTimeoutMs: number;
  /** How long a body may take. One that takes longer is left to `node:http` and its time limits. */
  readonly bodyWaitMs: number;
  /** No further requests after the running one. */
  readonly isClosing: boolean;
  /** Calls `done` once, at once or later, also when the caller is gone. */
  serve(head: DirectHead, body: readonly Buffer[], caller: DirectCaller, done: (answer: DirectAnswer) => void): void;
  /** The connection is `node:http`'s from now on. */
  handOver(connection: DirectConnection, socket: Socket): void;
  onGone(connection: DirectConnection): void;
}

/** Up to this size a body is copied behind its head: one write costs less than two. */
const JOINED_BYTES = 32 * 1024;

/**
 * A client's connection as long as it carries nothing but plain requests: one at a time, its body gathered, its answer written. With the first
 * request that is anything else, the connection and all that was read of that request go to `node:http`, for good.
 */
export class DirectConnection implements DirectCaller {
  readonly socket: Socket;
  readonly #heads: DirectHeads;
  readonly #owner: DirectOwner;
  #head: DirectHead | undefined;
  #body: Buffer[] = [];
  #missingBytes = 0;
  /** Head of a request whose body is still on its way, and since when. */
  #headBytes: Buffer | undefined;
  #waitsSinceMs = 0;
  #isBusy = false;
  /** What a client sends before it has its answer. */
  #ahead: Buffer | undefined;
  #leave: (() => void) | undefined;

  constructor(socket: Socket, owner: DirectOwner) {
    this.socket = socket;
    this.#heads = new DirectHeads(owner.rules);
    this.#owner = owner;
    socket.setTimeout(owner.idleTimeoutMs);
    socket.on('data', this.#onData).on('end', this.#onEnd).on('timeout', this.#onTimeout);
    socket.on('error', this.#onError).on('close', this.#onClose);
  }

  onGone(leave: () => void): () => void {
    this.#leave = leave;
    if (this.socket.destroyed) leave();
    return () => {
      this.#leave = undefined;
    };
  }

  /** Ends it, unless a request is running: then with its answer. */
  close(): void {
    if (!this.#isBusy) this.socket.destroySoon();
  }

  destroy(): void {
    this.socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.socket.writableEnded) return;
    if (this.#isBusy) {
      this.#ahead = this.#ahead ? Buffer.concat([this.#ahead, chunk]) : chunk;
      this.socket.pause();
    } else if (this.#head) this.#collect(chunk);
    else this.#begin(chunk);
  };

  /** A client that closes its side does not wait for an answer. */
  readonly #onEnd = (): void => {
    this.socket.destroy();
  };

  readonly #onTimeout = (): void => {
    if (this.#headBytes) this.#handOver(Buffer.concat([this.#headBytes, ...this.#body]));
    else if (!this.#isBusy) this.socket.destroy();
  };

  readonly #onError = (): void => undefined;

  readonly #onClose = (): void => {
    this.#owner.onGone(this);
    this.#leave?.();
  };

  #begin(chunk: Buffer): void {
    const head = this.#heads.read(chunk);
    if (!head) {
      this.#handOver(chunk);
      return;
    }
    this.#head = head;
    this.#missingBytes = head.bodyBytes;
    this.#collect(chunk.subarray(head.headBytes));
    if (this.#missingBytes > 0) this.#waitForBody(chunk.subarray(0, head.headBytes));
  }

  #collect(chunk: Buffer): void {
    const isLonger = chunk.length > this.#missingBytes;
    const taken = isLonger ? chunk.subarray(0, this.#missingBytes) : chunk;
    if (taken.length > 0) this.#body.push(taken);
    this.#missingBytes -= taken.length;
    if (isLonger) this.#ahead = chunk.subarray(taken.length);
    if (this.#missingBytes === 0) this.#serve();
    else if (this.#headBytes && performance.now() - this.#waitsSinceMs > this.#owner.bodyWaitMs) this.#onTimeout();
  }

  #waitForBody(headBytes: Buffer): void {
    this.#headBytes = headBytes;
    this.#waitsSinceMs = performance.now();
    this.socket.setTimeout(this.#owner.bodyWaitMs);
  }

  #handOver(chunk: Buffer): void {
    const socket = this.socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('timeout', this.#onTimeout);
    socket.off('error', this.#onError).off('close', this.#onClose);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(chunk);
    this.#owner.handOver(this, socket);
    socket.resume();
  }

  #serve(): void {
    const [head, body] = [this.#head, this.#body];
    if (!head) return;
    if (this.#headBytes) {
      this.#headBytes = undefined;
      this.socket.setTimeout(this.#owner.idleTimeoutMs);
    }
    [this.#head, this.#body, this.#isBusy] = [undefined, [], true];
    this.#owner.serve(head, body, this, this.#answer);
  }

  readonly #answer = (answer: DirectAnswer): void => {
    const keepsAlive = !this.#owner.isClosing && answer.closes !== true;
    const head = this.#owner.heads.text(answer, keepsAlive);
    const { body } = answer;
    if (isStream(body)) {
      this.socket.write(head, 'latin1');
      void this.#writeStream(body, answer).then(() => this.#answered(keepsAlive));
      return;
    }
    if (typeof body === 'string') this.socket.write(head + body, 'latin1');
    else this.#writeBytes(head, body);
    this.#answered(keepsAlive);
  };

  #answered(keepsAlive: boolean): void {
    if (!keepsAlive) this.socket.destroySoon();
    // In a turn of its own: a client that sends many requests ahead shares the event loop with the others.
    if (this.#ahead) setImmediate(() => this.#goOn(keepsAlive));
    else this.#isBusy = false;
  }

  #goOn(keepsAlive: boolean): void {
    this.#isBusy = false;
    const ahead = this.#ahead;
    if (!ahead || this.socket.destroyed || !keepsAlive) return;
    this.#ahead = undefined;
    this.socket.resume();
    this.#onData(ahead);
  }

  #writeBytes(head: string, body: Buffer | readonly Uint8Array[]): void {
    const { socket } = this;
    const parts = Buffer.isBuffer(body) ? [body] : body;
    const [first] = parts;
    if (first !== undefined && parts.length === 1 && first.length <= JOINED_BYTES) {
      const joined = Buffer.allocUnsafe(head.length + first.length);
      joined.write(head, 'latin1');
      joined.set(first, head.length);
      socket.write(joined);
      return;
    }
    socket.cork();
    socket.write(head, 'latin1');
    for (const part of parts) socket.write(part);
    socket.uncork();
  }

  /** With the speed of the slower side. A body that breaks off, or grows beyond the limit, breaks the connection off: the status is out. */
  async #writeStream(
    body: Readable,
    { lengthBytes, maxBytes = Number.POSITIVE_INFINITY }: DirectAnswer,
  ): Promise<void> {
    const socket = this.socket;
    const isFramed = lengthBytes === undefined;
    let bytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes || socket.destroyed) throw new Error('the answer is not wanted');
        if (isFramed) socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
        let hasRoom = socket.write(chunk);
        if (isFramed) hasRoom = socket.write('\r\n', 'latin1');
        if (!hasRoom) await drained(socket);
      }
      if (isFramed) socket.write('0\r\n\r\n', 'latin1');
    } catch {
      socket.destroy();
    }
  }
}

function drained(socket: Socket): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
