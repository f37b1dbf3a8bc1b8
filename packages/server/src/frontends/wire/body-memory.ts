/** Memory kept for bodies to come. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Smaller pieces are not worth keeping. */
const MIN_KEPT_BYTES = 256 * 1024;

/**
 * Memory of large bodies that have been read, kept for the next ones. Megabytes that come and go with each request would make the garbage
 * collector walk the whole heap every few requests, which holds the event loop.
 */
export class BodyMemory {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;

  /** A kept buffer of at least `byteLength` bytes with any contents; undefined when there is none that fits. */
  take(byteLength: number): Buffer | undefined {
    if (byteLength < MIN_KEPT_BYTES) return undefined;
    const index = this.#free.findIndex(({ length }) => length >= byteLength && length <= byteLength * 4);
    if (index < 0) return undefined;
    const [found] = this.#free.splice(index, 1);
    this.#freeBytes -= found!.length;
    return found;
  }

  /** Gives back memory that nobody looks at any more. Of what was given, the latest is kept. */
  give(buffer: Buffer): void {
    if (buffer.length < MIN_KEPT_BYTES || buffer.length > MAX_KEPT_BYTES) return;
    this.#free.unshift(buffer);
    this.#freeBytes += buffer.length;
    while (this.#freeBytes > MAX_KEPT_BYTES) this.#freeBytes -= this.#free.pop()!.length;
  }
}
