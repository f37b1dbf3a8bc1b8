import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may lie around before it is collected. */
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

type Collector = (options: { readonly type: 'minor' }) => void;

/**
 * Has collected what large bodies leave: the pieces in which they came, and the bodies of requests that were answered. V8 sees a few small
 * objects that hold megabytes and lets far more than 64 MiB of them lie before it walks the whole heap for them; collecting the young ones takes a
 * fraction of a millisecond. What survives two of these collections counts as old and stays until the heap is walked, so there are at most two
 * while one body arrives.
 */
export class ReadGarbage {
  readonly #collectEveryBytes: number;
  #bytes = 0;
  #collect: Collector | undefined;

  constructor(collectEveryBytes = COLLECT_EVERY_BYTES) {
    this.#collectEveryBytes = collectEveryBytes;
  }

  /** Memory for a body is about to be taken: what its predecessors left goes first. */
  begin(): void {
    if (this.#bytes >= this.#collectEveryBytes) this.#run();
  }

  /** `byteLength` bytes of a body of `bodyBytes` were copied out of a piece that nobody needs any more. */
  left(byteLength: number, bodyBytes: number): void {
    this.#bytes += byteLength;
    if (this.#bytes >= Math.max(this.#collectEveryBytes, bodyBytes / 2)) this.#run();
  }

  #run(): void {
    this.#bytes = 0;
    this.#collect ??= newCollector();
    this.#collect({ type: 'minor' });
  }
}

/** Contexts made after the flag was set have the function; the others stay without it. */
function newCollector(): Collector {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collector;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
