import { Readable } from 'node:stream';
import type { AnswerHead } from './answer-parser.ts';
import type { ContainerConnection } from './container-connection.ts';

const HIGH_WATER_BYTES = 256 * 1024;

/**
 * A container's answer: status and headers, and its body. A small body is there with the head (`whole`), and costs no stream; of others the rest
 * comes through `body`, which emits an error when it breaks off.
 */
export class UpstreamAnswer {
  readonly #head: AnswerHead;
  readonly #connection: ContainerConnection;
  readonly #early: Buffer[] = [];
  readonly #onDone: (() => void)[] = [];
  #stream: AnswerStream | undefined;
  #earlyBytes = 0;
  #isComplete = false;
  #failure: Error | undefined;

  constructor(connection: ContainerConnection, head: AnswerHead) {
    this.#connection = connection;
    this.#head = head;
  }

  get status(): number {
    return this.#head.status;
  }

  header(name: string): string | undefined {
    return this.#head.headers.get(name);
  }

  /** As the container announced it. */
  get lengthBytes(): number | undefined {
    return this.#head.lengthBytes;
  }

  /** The body, if all of it has come already. */
  get whole(): Buffer | undefined {
    if (!this.#isComplete || this.#stream) return undefined;
    const [first] = this.#early;
    return this.#early.length === 1 && first ? first : Buffer.concat(this.#early);
  }

  /** The body as a stream. */
  body(): Readable {
    if (this.#stream) return this.#stream;
    const stream = new AnswerStream(this.#connection, () => this.#isComplete);
    this.#stream = stream;
    for (const chunk of this.#early.splice(0)) stream.receive(chunk);
    if (this.#isComplete) stream.push(null);
    if (this.#failure) stream.destroy(this.#failure);
    return stream;
  }

  /** Calls `done` when nothing more will come of it. */
  onDone(done: () => void): void {
    if (this.#isComplete || this.#failure) done();
    else this.#onDone.push(done);
  }

  /** Whoever asked does not want the rest. */
  discard(): void {
    if (!this.#isComplete) this.#connection.destroy();
  }

  receive(chunk: Buffer): void {
    if (this.#stream) {
      this.#stream.receive(chunk);
      return;
    }
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    // Nobody reads yet: the stream's first read goes on.
    if (this.#earlyBytes > HIGH_WATER_BYTES) this.#connection.pause();
  }

  complete(): void {
    this.#isComplete = true;
    this.#stream?.push(null);
    this.#settle();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#stream?.destroy(error);
    this.#settle();
  }

  #settle(): void {
    for (const done of this.#onDone.splice(0)) done();
  }
}

class AnswerStream extends Readable {
  readonly #connection: ContainerConnection;
  readonly #isComplete: () => boolean;

  constructor(connection: ContainerConnection, isComplete: () => boolean) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#connection = connection;
    this.#isComplete = isComplete;
  }

  receive(chunk: Buffer): void {
    if (!this.push(chunk)) this.#connection.pause();
  }

  override _read(): void {
    if (!this.#isComplete()) this.#connection.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isComplete()) this.#connection.destroy(error ?? new Error('not wanted any more'));
    done(error);
  }
}
