/** Elements looked at in one step, and fewer where each has to find its place. */
const STEP_ELEMENTS = 16_384;
const STEP_MOVES = 512;

/**
 * Indices of the `count` largest of `length` values from `start` on, largest first, equal ones in the order of their indices, found in steps.
 * NaN is smaller than everything. A heap of those kept so far, the worst on top, takes each better one; in the end it is sorted where it is.
 */
export class TopIndices {
  /** Counted from `start`; in order when `step` answered true. */
  readonly indices: Uint32Array;
  readonly #values: ArrayLike<number | bigint>;
  readonly #start: number;
  readonly #length: number;
  /** Indices that are in the heap, at the front of `indices`. */
  #size = 0;
  #next = 0;

  constructor(values: ArrayLike<number | bigint>, start: number, length: number, count: number) {
    this.#values = values;
    this.#start = start;
    this.#length = length;
    this.indices = new Uint32Array(Math.min(count, length));
  }

  /** True when all is done. */
  step(): boolean {
    if (this.#next < this.#length && this.indices.length > 0) {
      this.#select();
      return false;
    }
    for (let moves = 0; moves < STEP_MOVES && this.#size > 1; moves++) this.#takeWorst();
    return this.#size <= 1;
  }

  #select(): void {
    const { indices } = this;
    const end = Math.min(this.#next + STEP_ELEMENTS, this.#length);
    let moves = 0;
    for (; this.#next < end && moves < STEP_MOVES; this.#next++) {
      if (this.#size < indices.length) {
        this.#add(this.#next);
        moves++;
      } else if (this.#isBetter(this.#next, indices[0]!)) {
        this.#sink(this.#next, 0);
        moves++;
      }
    }
  }

  #isBetter(a: number, b: number): boolean {
    const order = descending(this.#values[this.#start + a]!, this.#values[this.#start + b]!);
    return order < 0 || (order === 0 && a < b);
  }

  /** Lets a new index rise to its place. */
  #add(index: number): void {
    const { indices } = this;
    let place = this.#size++;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#isBetter(indices[above]!, index)) break;
      indices[place] = indices[above]!;
      place = above;
    }
    indices[place] = index;
  }

  /** Puts an index where `place` is and lets it sink. */
  #sink(index: number, from: number): void {
    const { indices } = this;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#size) break;
      if (below + 1 < this.#size && this.#isBetter(indices[below]!, indices[below + 1]!)) below++;
      if (!this.#isBetter(index, indices[below]!)) break;
      indices[place] = indices[below]!;
      place = below;
    }
    indices[place] = index;
  }

  #takeWorst(): void {
    const { indices } = this;
    const worst = indices[0]!;
    const last = indices[--this.#size]!;
    this.#sink(last, 0);
    indices[this.#size] = worst;
  }
}

function descending(a: number | bigint, b: number | bigint): number {
  if (a > b) return -1;
  if (a < b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}
