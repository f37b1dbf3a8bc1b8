import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { SharedMemoryError } from './error.ts';
import type { PosixMemory } from './posix.ts';

/**
 * Part of a shared memory object that another process made. Offsets count from the part's start; the caller keeps them inside `byteSize`.
 *
 * The other process may make the object smaller at any time. Every use looks first and throws SharedMemoryError `size`; what happens to
 * a size that changes after the look depends on the kind of segment.
 */
export interface SharedMemorySegment {
  readonly byteSize: number;
  /** Bytes [offset, offset + byteSize). Throws SharedMemoryError `size`. */
  read(offset: number, byteSize: number): Uint8Array;
  /** Puts `data` at `offset`. Throws SharedMemoryError `size`. */
  write(offset: number, data: Uint8Array): void;
  /** Whether `data` is memory of this segment, which may change and go. */
  holds(data: Uint8Array): boolean;
  /** Lets the object go. May be called again. */
  close(): void;
}

/** Where a part of an object is. */
export interface SegmentPlace {
  readonly descriptor: number;
  readonly offset: number;
  readonly byteSize: number;
}

/**
 * A segment in this process's memory: `read` returns the memory itself.
 *
 * What was returned stays readable for as long as anybody holds it: closing puts zeroed pages in place of the object, and the address range
 * is given back only when the garbage collector has seen the last reference go. An access to pages that the other process cut off after
 * the look still ends this process (SIGBUS); as soon as a look finds it out, zeroed pages take their place.
 */
export class MappedSegment implements SharedMemorySegment {
  readonly byteSize: number;
  readonly #place: SegmentPlace;
  readonly #memory: PosixMemory;
  readonly #address: number;
  readonly #buffer: ArrayBuffer;
  #open = true;

  /** Takes over the descriptor. Throws SharedMemoryError `map`. */
  constructor(memory: PosixMemory, place: SegmentPlace, ranges: AddressRanges) {
    this.byteSize = place.byteSize;
    this.#place = place;
    this.#memory = memory;
    this.#address = memory.map(place.descriptor, place.offset, place.byteSize);
    this.#buffer = memory.view(this.#address, place.byteSize);
    ranges.track(this.#buffer, this.#address, place.byteSize);
  }

  read(offset: number, byteSize: number): Uint8Array {
    this.#look();
    return new Uint8Array(this.#buffer, offset, byteSize);
  }

  write(offset: number, data: Uint8Array): void {
    this.#look();
    new Uint8Array(this.#buffer, offset, data.byteLength).set(data);
  }

  holds(data: Uint8Array): boolean {
    return data.buffer === this.#buffer;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.#memory.blank(this.#address, this.byteSize);
    } finally {
      closeSync(this.#place.descriptor);
    }
  }

  #look(): void {
    if (!this.#open) throw new SharedMemoryError('size', 'the object was let go');
    try {
      checkSize(this.#place);
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

/** A segment that is copied in and out by system calls: nothing that the other process does later can be seen, or can do harm. */
export class CopiedSegment implements SharedMemorySegment {
  readonly byteSize: number;
  readonly #place: SegmentPlace;
  #open = true;

  /** Takes over the descriptor. */
  constructor(place: SegmentPlace) {
    this.byteSize = place.byteSize;
    this.#place = place;
  }

  read(offset: number, byteSize: number): Uint8Array {
    this.#look();
    const { descriptor, offset: start } = this.#place;
    // Memory of its own, and not zeroed: either all of it is written or nobody sees it.
    const data = new Uint8Array(Buffer.allocUnsafeSlow(byteSize).buffer);
    for (let done = 0; done < byteSize; ) {
      const count = readSync(descriptor, data, done, byteSize - done, start + offset + done);
      if (count === 0) throw new SharedMemoryError('size', 'the object became smaller');
      done += count;
    }
    return data;
  }

  write(offset: number, data: Uint8Array): void {
    this.#look();
    const { descriptor, offset: start } = this.#place;
    for (let done = 0; done < data.byteLength; ) {
      done += writeSync(descriptor, data, done, data.byteLength - done, start + offset + done);
    }
  }

  holds(): boolean {
    return false;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#place.descriptor);
  }

  #look(): void {
    if (!this.#open) throw new SharedMemoryError('size', 'the object was let go');
    checkSize(this.#place);
  }
}

/** Throws SharedMemoryError `size` when the object ends before the segment does. */
export function checkSize({ descriptor, offset, byteSize }: SegmentPlace): void {
  if (offset + byteSize > fstatSync(descriptor).size) {
    throw new SharedMemoryError('size', 'the object is smaller than what is asked for');
  }
}

/** Gives address ranges back when nobody can reach their memory any more. */
export class AddressRanges {
  readonly #registry: FinalizationRegistry<{ readonly address: number; readonly byteSize: number }>;

  constructor(memory: PosixMemory) {
    this.#registry = new FinalizationRegistry(({ address, byteSize }) => memory.unmap(address, byteSize));
  }

  track(buffer: ArrayBuffer, address: number, byteSize: number): void {
    this.#registry.register(buffer, { address, byteSize });
  }
}
