import { connect, type Socket } from 'node:net';
import type { ContainerAddress } from '../instances/index.ts';
import { type AnswerHandler, type AnswerHead, AnswerParser } from './answer-parser.ts';

/** What a connection tells of the exchange that it carries. */
export interface ExchangeHandler extends AnswerHandler {
  /** The connection is of no use any more. `wasSent` tells whether anything of the request may have reached the container. */
  onFailure(error: Error, wasSent: boolean): void;
}

/** Who keeps connections. */
export interface ConnectionOwner {
  /** The exchange is over, and the connection may carry another one. */
  onIdle(): void;
  onGone(): void;
}

/** Idle connections are dropped before the container's own server does (Node's waits five seconds), so that no request meets a closing one. */
const IDLE_TIMEOUT_MS = 4000;
/** How much earlier than a container's own `Keep-Alive: timeout=…`. */
const IDLE_MARGIN_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;

/** One kept connection to a container: an exchange at a time. */
export class ContainerConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: AnswerParser;
  #exchange: ExchangeHandler | undefined;
  #head: AnswerHead | undefined;
  #wasSent = false;
  /** Until then it may be used again, on the clock of `performance.now()`. */
  usableUntilMs = Number.POSITIVE_INFINITY;

  constructor({ host, port }: Pick<ContainerAddress, 'host' | 'port'>, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#parser = new AnswerParser({
      onHead: (head) => {
        this.#head = head;
        this.#exchange?.onHead(head);
      },
      onBody: (chunk) => this.#exchange?.onBody(chunk),
      onEnd: () => undefined,
    });
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.destroy(new Error('no connection in time')));
    this.#socket.once('connect', () => {
      this.#socket.setTimeout(0);
      this.#wasSent = this.#socket.bytesWritten > 0;
    });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('end', () => this.#finish());
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** Begins an exchange. */
  begin(exchange: ExchangeHandler): void {
    this.#exchange = exchange;
    this.#head = undefined;
    this.#wasSent = false;
  }

  /** False when the container is slower than the writer: `drained` tells when to go on. */
  write(bytes: Uint8Array): boolean {
    this.#wasSent = !this.#socket.connecting;
    return this.#socket.write(bytes);
  }

  /** Several pieces in one go, none of them copied. */
  writeTogether(pieces: readonly Uint8Array[]): boolean {
    let hasRoom = true;
    this.#socket.cork();
    for (const piece of pieces) hasRoom = this.write(piece);
    this.#socket.uncork();
    return hasRoom;
  }

  /** Resolves when there is room again, or the connection is gone. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  #receive(chunk: Buffer): void {
    if (this.#exchange === undefined) {
      this.destroy();
      return;
    }
    try {
      this.#parser.execute(chunk);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (this.#parser.isDone) this.#complete();
  }

  /** The container has closed its side: right after an answer that ends so, wrong otherwise. */
  #finish(): void {
    try {
      if (this.#exchange !== undefined) this.#parser.finish();
      this.#complete();
    } catch (error) {
      this.#fail(error as Error);
    }
    this.destroy();
  }

  #complete(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const head = this.#head;
    // An answer that came before all of the request was sent leaves the connection in the middle of that request.
    const isClean = this.#socket.writableLength === 0 && head?.keepsAlive === true && !this.#socket.destroyed;
    if (isClean && exchange !== undefined) {
      this.usableUntilMs = performance.now() + idleMs(head);
      this.#parser.reset();
      this.#owner.onIdle();
    } else this.destroy();
    exchange?.onEnd();
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#socket.destroy();
    this.#owner.onGone();
    exchange?.onFailure(error, this.#wasSent);
  }
}

function idleMs(head: AnswerHead): number {
  const seconds = /timeout=(\d{1,6})/.exec(head.headers.get('keep-alive') ?? '')?.[1];
  if (seconds === undefined) return IDLE_TIMEOUT_MS;
  return Math.min(IDLE_TIMEOUT_MS, Number(seconds) * 1000 - IDLE_MARGIN_MS);
}
