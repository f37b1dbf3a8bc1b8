import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type KeepAliveOptions, PingPolicy } from './ping-policy.ts';

/** Longest time that a timer can run, and the value that means never. */
const NEVER_MS = 2 ** 31 - 1;
/** Connections that were made together do not end together. */
const AGE_JITTER = 0.1;

/** One client's connection: how long it may live and what happens when nobody answers on it any more. */
export class Connection {
  readonly #session: ServerHttp2Session;
  readonly #options: KeepAliveOptions;
  readonly #pings: PingPolicy;
  readonly #timers = new Set<NodeJS.Timeout>();
  #calls = 0;
  #writes = 0;
  #heard = false;

  constructor(session: ServerHttp2Session, options: KeepAliveOptions, handshakeTimeoutMs: number) {
    this.#session = session;
    this.#options = options;
    this.#pings = new PingPolicy(options);
    const handshake = this.#after(handshakeTimeoutMs, () => session.destroy());
    session.once('localSettings', () => this.#cancel(handshake));
    session.on('ping', () => this.#pinged());
    // What goes wrong on a connection ends it; its calls learn of it by their streams.
    session.on('error', () => {});
    session.once('close', () => this.#closed());
    if (options.timeMs < NEVER_MS && options.timeMs > 0) this.#watch();
    if (options.maxConnectionAgeMs > 0) this.#limitAge();
  }

  callStarted(): void {
    this.#calls++;
    this.#heard = true;
  }

  callEnded(): void {
    this.#calls--;
  }

  dataReceived(): void {
    this.#heard = true;
  }

  headersSent(): void {
    this.#pings.dataSent();
  }

  /** Sends a part of a message. */
  write(stream: ServerHttp2Stream, part: Uint8Array): void {
    this.#writes++;
    this.#pings.dataSent();
    stream.write(part, this.#written);
  }

  readonly #written = (): void => {
    this.#writes--;
    this.#pings.dataSent();
  };

  /** Clients ping after they have received data, to measure the connection: that is no abuse. */
  #pinged(): void {
    if (this.#writes > 0) this.#pings.dataSent();
    if (this.#pings.received(performance.now(), this.#calls > 0)) return;
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
    this.#session.destroy();
  }

  /** Looks every so often whether the client is still there, unless it was heard meanwhile. */
  #watch(): void {
    this.#after(this.#options.timeMs, () => {
      const heard = this.#heard;
      this.#heard = false;
      if (!heard && this.#pings.maySend(this.#calls > 0)) this.#ping();
      this.#watch();
    });
  }

  #ping(): void {
    const timeout = this.#after(this.#options.timeoutMs, () => this.#session.destroy());
    const sent = this.#session.ping(() => this.#cancel(timeout));
    if (!sent) this.#cancel(timeout);
  }

  #limitAge(): void {
    const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = this.#options;
    const jitter = 1 + AGE_JITTER * (2 * Math.random() - 1);
    this.#after(maxConnectionAgeMs * jitter, () => {
      this.#session.close();
      if (maxConnectionAgeGraceMs > 0) this.#after(maxConnectionAgeGraceMs, () => this.#session.destroy());
    });
  }

  #after(delayMs: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (!this.#session.destroyed) action();
      },
      Math.min(delayMs, NEVER_MS),
    );
    timer.unref();
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  #closed(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
