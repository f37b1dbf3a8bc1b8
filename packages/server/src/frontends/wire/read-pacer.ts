import { ReadGarbage } from './read-garbage.ts';

/** Bytes of large bodies that are taken in per turn of the event loop, over all connections: a fraction of a millisecond's work. */
const TURN_BYTES = 524_288;
/** What a socket delivers at once. */
const READ_BYTES = 65_536;

/** A stream that can be held back. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/**
 * Spreads the reading of large bodies over turns of the event loop. libuv reads up to 2 MB from each connection before it looks at
 * anything else; with several fast senders that alone would hold the loop for many milliseconds.
 */
export class ReadPacer {
  readonly #turnBytes: number;
  readonly #garbage = new ReadGarbage();
  #left: number;
  #scheduled = false;
  readonly #waiting: Pausable[] = [];

  constructor(turnBytes = TURN_BYTES) {
    this.#turnBytes = turnBytes;
    this.#left = turnBytes;
  }

  /** Memory for a large body is about to be taken. */
  begin(): void {
    this.#garbage.begin();
  }

  /** Counts `byteLength` copied bytes that `stream` delivered of `bodyBytes`, and holds it back when this turn has had enough. */
  took(stream: Pausable, byteLength: number, bodyBytes: number): void {
    this.#garbage.left(byteLength, bodyBytes);
    this.#left -= byteLength;
    if (this.#left < 0) {
      stream.pause();
      this.#waiting.push(stream);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#scheduled = false;
    this.#left = this.#turnBytes;
    const next = this.#waiting.splice(0, this.#turnBytes / READ_BYTES);
    for (const stream of next) stream.resume();
    if (this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => this.#nextTurn());
  }
}
