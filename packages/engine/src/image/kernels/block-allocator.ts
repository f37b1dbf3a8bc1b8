const ALIGNMENT = 64;
/** Kernels load whole vectors and may read this far past a block's end. */
const SLACK = 32;

/**
 * First-fit allocator over the address range of a WebAssembly memory. Blocks are few (a picture and what is made of it), so lists are
 * searched linearly. Freed neighbours merge.
 */
export class BlockAllocator {
  #free: { start: number; size: number }[];
  #end: number;
  readonly #sizes = new Map<number, number>();

  constructor(start: number, end: number) {
    this.#free = [{ start, size: end - start }];
    this.#end = end;
  }

  get isEmpty(): boolean {
    return this.#sizes.size === 0;
  }

  /** A block of at least `byteLength` bytes; undefined when the range has to grow by `shortage(byteLength)` first. */
  allocate(byteLength: number): number | undefined {
    const size = blockSize(byteLength);
    const index = this.#free.findIndex((block) => block.size >= size);
    const block = this.#free[index];
    if (block === undefined) return undefined;
    const address = block.start;
    block.start += size;
    block.size -= size;
    if (block.size === 0) this.#free.splice(index, 1);
    this.#sizes.set(address, size);
    return address;
  }

  /** Bytes that the range must grow by so that `byteLength` fits. */
  shortage(byteLength: number): number {
    const last = this.#free.at(-1);
    const atEnd = last !== undefined && last.start + last.size === this.#end ? last.size : 0;
    return blockSize(byteLength) - atEnd;
  }

  /** The range now ends at `end`. */
  grow(end: number): void {
    this.#release(this.#end, end - this.#end);
    this.#end = end;
  }

  /** Gives a block back. Throws RangeError for an address that is not allocated. */
  free(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) throw new RangeError(`no block is allocated at ${address}`);
    this.#sizes.delete(address);
    this.#release(address, size);
  }

  #release(start: number, size: number): void {
    const index = this.#free.findIndex((block) => block.start > start);
    const at = index < 0 ? this.#free.length : index;
    this.#free.splice(at, 0, { start, size });
    const next = this.#free[at + 1];
    if (next !== undefined && start + size === next.start) {
      this.#free[at]!.size += next.size;
      this.#free.splice(at + 1, 1);
    }
    const previous = this.#free[at - 1];
    if (previous !== undefined && previous.start + previous.size === start) {
      previous.size += this.#free[at]!.size;
      this.#free.splice(at, 1);
    }
  }
}

function blockSize(byteLength: number): number {
  return Math.ceil((byteLength + SLACK) / ALIGNMENT) * ALIGNMENT;
}
