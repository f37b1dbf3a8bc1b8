import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { VerifiedBody } from '../frontend/index.ts';
import type { PayloadCheck } from '../frontend/verified-body.ts';

/** A body on its way to a container. */
export interface OutgoingBody {
  /** undefined: sent in chunks. */
  readonly lengthBytes: number | undefined;
  /** True while it can still be sent from its beginning. */
  readonly isReplayable: boolean;
  /** Writes it to `destination` and ends that. Rejects when it cannot be had in full; `destination` is destroyed then. */
  sendTo(destination: Writable): Promise<void>;
}

/** Bytes in memory. */
export function bufferBody(chunks: readonly Uint8Array[]): OutgoingBody {
  return {
    lengthBytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    isReplayable: true,
    sendTo: async (destination) => {
      for (const chunk of chunks) destination.write(chunk);
      destination.end();
    },
  };
}

/** A stream, such as the answer of the container before in a pipeline. */
export function streamBody(source: Readable, lengthBytes: number | undefined): OutgoingBody {
  let started = false;
  return {
    lengthBytes,
    get isReplayable() {
      return !started;
    },
    sendTo: (destination) => {
      started = true;
      return pipeline(source, destination);
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
    return this.#listen((stop) => {
      if (this.#receivedBytes > this.#options.windowBytes) {
        this.#source.pause();
        stop();
      }
    });
  }

  async sendTo(destination: Writable): Promise<void> {
    this.#isStarted = true;
    try {
      if (!this.#isComplete) await this.#stream(destination);
      for (const chunk of this.#held) destination.write(chunk);
      destination.end();
    } catch (error) {
      destination.destroy();
      throw error;
    }
  }

  /** Passes on all but the last chunk, with the speed of the slower side. */
  #stream(destination: Writable): Promise<void> {
    const passOn = (): void => {
      let flowing = true;
      while (this.#held.length > 1) flowing = destination.write(this.#held.shift());
      if (flowing) return;
      this.#source.pause();
      destination.once('drain', () => this.#source.resume());
    };
    passOn();
    return this.#listen(passOn, destination);
  }

  #listen(onChunk: (stop: () => void) => void, destination?: Writable): Promise<void> {
    const source = this.#source;
    return new Promise((resolve, reject) => {
      const stop = (error?: unknown): void => {
        source.off('data', take).off('end', end).off('error', stop).off('close', closed);
        destination?.off('close', gone);
        if (error === undefined) resolve();
        else reject(error);
      };
      const take = (chunk: Buffer): void => {
        this.#receivedBytes += chunk.length;
        if (this.#receivedBytes > this.#options.maxBytes) {
          stop(this.#options.tooLarge());
          return;
        }
        this.#check.update(chunk);
        this.#held.push(chunk);
        onChunk(() => stop());
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
      const gone = (): void => stop(new Error('the container closed the connection before the request was complete'));
      source.on('data', take).once('end', end).once('error', stop).once('close', closed);
      destination?.once('close', gone);
      source.resume();
    });
  }
}
