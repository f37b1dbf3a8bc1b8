import { closeSync, fstatSync } from 'node:fs';
import { SharedMemoryError } from './error.ts';
import { PosixMemory } from './posix.ts';
import { AddressRanges, CopiedSegment, checkSize, MappedSegment, type SharedMemorySegment } from './segment.ts';

/** `mapped`: tensors are read where they are. `copied`: they are copied in and out, which no other process can disturb. */
export type SharedMemoryAccess = 'mapped' | 'copied';

/** Opens POSIX shared memory objects that other processes made. */
export class SharedMemoryOpener {
  readonly #access: SharedMemoryAccess;
  #memory: PosixMemory | undefined;
  #ranges: AddressRanges | undefined;

  constructor(access: SharedMemoryAccess) {
    this.#access = access;
  }

  /**
   * Opens `byteSize` bytes from `offset` of the object `key` (as shm_open takes it). Throws SharedMemoryError: `open` when there is no such
   * object or it may not be used, `invalid` when it is no memory, `size` when it ends before, `map` when it cannot be mapped (an offset
   * inside a page, no bytes at all), `unsupported` where there is no POSIX shared memory.
   */
  open(key: string, offset: number, byteSize: number): SharedMemorySegment {
    this.#memory ??= new PosixMemory();
    this.#ranges ??= new AddressRanges(this.#memory);
    const descriptor = this.#memory.open(key);
    const place = { descriptor, offset, byteSize };
    try {
      // Only Linux has these objects as files; what else may lie beside them is a pipe or a directory.
      if (process.platform === 'linux' && !fstatSync(descriptor).isFile())
        throw new SharedMemoryError('invalid', 'this is no shared memory');
      checkSize(place);
      if (this.#access === 'copied') return new CopiedSegment(place);
      return new MappedSegment(this.#memory, place, this.#ranges);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }
}
