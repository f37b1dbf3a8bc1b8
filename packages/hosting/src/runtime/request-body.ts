import type { Readable } from 'node:stream';
import type { VerifiedBody } from '../frontend/index.ts';
import type { PayloadCheck } from '../frontend/verified-body.ts';

/** A body on its way to a container. */
export interface OutgoingBody {
  /** undefined: sent in chunks. */
  readonly lengthBytes: number | undefined;
  /** True while it can still be sent from its beginning. */
  readonly isReplayable: boolean;
  /** Its bytes, to be sent once: in memory (in one piece or several), or as they come. An iterable throws when the body cannot be had in full. */
  content(): Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>;
}

/** Bytes in memory. */
export function bufferBody(bytes: Uint8Array): OutgoingBody {
  return { lengthBytes: bytes.length, isReplayable: true, content: () => bytes };
}

/** Bytes in memory, in the pieces they came in. */
export function piecesBody(pieces: readonly Uint8Array[]): OutgoingBody {
  const lengthBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { lengthBytes, isReplayable: true, content: () => (pieces.length === 1 && pieces[0] ? pieces[0] : pieces) };
}

/** A stream, such as the answer of the container before in a pipeline. */
export function streamBody(source: Readable, lengthBytes: number | undefined): OutgoingBody {
  let started = false;
  return {
    lengthBytes,
    get isReplayable() {
      return !started;
    },
    content: () => {
      started = true;
      return source as AsyncIterable<Uint8Array>;
    },
  };
}

export interface HoldOptions {
  readonly body: VerifiedBody;
  /** Bodies up to this size reach a container only after their signature was checked; of larger ones the end waits for the check. */
  readonly windowBytes: number;
  readonly maxBytes: number;
  readonly tooLarge: () => Error;
}

/**
 * Takes a client's body in without copying it: chunks are passed on by reference. Small bodies are checked in full before anything is sent. A larger
 * body streams, but its last chunk is kept back until the signature has been found right: a container never gets a whole request that was not signed.
 * Rejects with AuthError, or what `tooLarge` makes.
 */
export async function holdBody(options: HoldOptions): Promise<OutgoingBody> {
  const { body, maxBytes, tooLarge } = options;
  if ((body.announcedBytes ?? 0) > maxBytes) throw tooLarge();
  const { source, check } = body.open();
  const held = new BodyRelay(source, check, options);
  await held.fill();
  return held;
}

class BodyRelay implements OutgoingBody {
  readonly lengthBytes: number | undefined;
  readonly #source: Readable;
  readonly #check: PayloadCheck;
  readonly #options: HoldOptions;
  #held: Buffer[] = [];
  #receivedBytes = 0;
  #isComplete = false;
  #isStarted = false;

  constructor(source: Readable, check: PayloadCheck, options: HoldOptions) {
    this.#source = source;
    this.#check = check;
    this.#options = options;
    this.lengthBytes = options.body.announcedBytes;
  }

  get isReplayable(): boolean {
    return this.#isComplete || !this.#isStarted;
  }

  /** Reads until the end or until the window is full. */
  fill(): Promise<void> {
    const source = this.#source;
    return new Promise((resolve, reject) => {
      const stop = (error?: unknown): void => {
        source.off('data', take).off('end', end).off('error', stop).off('close', closed);
        if (error === undefined) resolve();
        else reject(error);
      };
      const take = (chunk: Buffer): void => {
        try {
          this.#take(chunk);
        } catch (error) {
          stop(error);
          return;
        }
        this.#held.push(chunk);
        if (this.#receivedBytes <= this.#options.windowBytes) return;
        source.pause();
        stop();
      };
      const end = (): void => {
        try {
          this.#check.finish();
          this.#isComplete = true;
          stop();
        } catch (error) {
          stop(error);
        }
      };
      const closed = (): void => stop(new Error('the client closed the connection before its request was complete'));
      source.on('data', take).once('end', end).once('error', stop).once('close', closed);
    });
  }

  content(): ReturnType<OutgoingBody['content']> {
    this.#isStarted = true;
    return this.#isComplete ? piecesBody(this.#held).content() : this.#stream();
  }

  /** All but the last chunk as they come, the last one when the whole has been checked. */
  async *#stream(): AsyncGenerator<Uint8Array> {
    let last: Buffer | undefined;
    for (const chunk of this.#held.splice(0)) {
      if (last) yield last;
      last = chunk;
    }
    for await (const chunk of this.#source as AsyncIterable<Buffer>) {
      if (last) yield last;
      last = chunk;
      this.#take(chunk);
    }
    this.#check.finish();
    if (last) yield last;
  }

  /** Throws what `tooLarge` makes. */
  #take(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.#options.maxBytes) throw this.#options.tooLarge();
    this.#check.update(chunk);
  }
}
