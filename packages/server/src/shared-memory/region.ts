import { SharedMemoryError, type SharedMemorySegment } from '@nereid/engine/shared-memory';
import { type SharedMemoryReference, StatusError } from '@nereid/protocol';
import type { SharedMemoryRegion } from '../inference/index.ts';

const MAX_SIZE = 2n ** 64n - 1n;

/** A registered region. It is let go when it is unregistered and no request uses it. */
export class Region implements SharedMemoryRegion {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
  readonly #segment: SharedMemorySegment;
  #users = 0;
  #registered = true;

  constructor(about: SharedMemoryRegion, segment: SharedMemorySegment) {
    this.name = about.name;
    this.key = about.key;
    this.offset = about.offset;
    this.byteSize = about.byteSize;
    this.#segment = segment;
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.#closeIfUnused();
  }

  /** Nobody finds it any more; requests that use it go on. */
  unregister(): void {
    this.#registered = false;
    this.#closeIfUnused();
  }

  read(reference: SharedMemoryReference): Uint8Array {
    const { offset, byteSize } = this.range(reference);
    return this.#guard(() => this.#segment.read(offset, byteSize));
  }

  /** `data` fits into the place that the reference names. */
  write(reference: SharedMemoryReference, data: Uint8Array): void {
    const { offset } = this.range(reference);
    this.#guard(() => this.#segment.write(offset, data));
  }

  holds(data: Uint8Array): boolean {
    return this.#segment.holds(data);
  }

  /** The bytes a reference names. Throws StatusError INVALID_ARG, with Triton's texts, for those outside the region. */
  range(reference: SharedMemoryReference): { readonly offset: number; readonly byteSize: number } {
    const { offset, byteSize } = reference;
    if (offset >= this.byteSize) throw invalid(`Invalid offset for shared memory region: '${this.name}'`);
    if (offset + byteSize <= this.byteSize) return { offset, byteSize };
    // Numbers round to 2^64 what was a little less.
    const exactSize = byteSize >= 2 ** 64 ? MAX_SIZE : BigInt(byteSize);
    if (exactSize > MAX_SIZE - BigInt(offset)) {
      throw invalid(
        `Integer overflow detected: byte_size (${exactSize}) + offset (${offset}) exceeds maximum value (${MAX_SIZE}) for region '${this.name}'`,
      );
    }
    throw this.#outside();
  }

  #closeIfUnused(): void {
    if (!this.#registered && this.#users === 0) this.#segment.close();
  }

  /** A region that its owner made smaller is as good as one that never was that large. */
  #guard<Value>(use: () => Value): Value {
    try {
      return use();
    } catch (error) {
      if (error instanceof SharedMemoryError) throw this.#outside();
      throw error;
    }
  }

  #outside(): StatusError {
    return invalid(`Invalid offset + byte size for shared memory region: '${this.name}'`);
  }
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
