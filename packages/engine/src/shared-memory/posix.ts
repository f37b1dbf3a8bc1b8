import koffi, { type LibraryHandle } from 'koffi';
import { SharedMemoryError } from './error.ts';

const O_RDWR = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
/** MAP_ANONYMOUS, with MAP_NORESERVE where there is one. */
const ANONYMOUS: Readonly<Record<string, number>> = { linux: 0x4020, darwin: 0x1000 };
const MAP_FAILED = -1;
/** glibc before 2.34 has shm_open in a library of its own. */
const OLD_GLIBC_LIBRARY = 'librt.so.1';

/** The calls on POSIX shared memory that Node lacks. Addresses are numbers: user space ends below 2^53. */
export class PosixMemory {
  readonly #anonymous: number;
  readonly #shmOpen: (name: string, flags: number, mode: number) => number;
  readonly #mmap: (
    address: number,
    byteSize: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset: number,
  ) => number;
  readonly #munmap: (address: number, byteSize: number) => number;

  /** Throws SharedMemoryError `unsupported` on a system without POSIX shared memory. */
  constructor() {
    const anonymous = ANONYMOUS[process.platform];
    if (anonymous === undefined) {
      throw new SharedMemoryError('unsupported', `there is no POSIX shared memory on ${process.platform}`);
    }
    this.#anonymous = anonymous;
    const library = koffi.load(null);
    this.#shmOpen = findShmOpen(library);
    this.#mmap = library.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
    this.#munmap = library.func('int munmap(uintptr_t, size_t)');
  }

  /** Opens an object that exists, for reading and writing; returns its descriptor. Throws SharedMemoryError `open`. */
  open(key: string): number {
    const descriptor = this.#shmOpen(key, O_RDWR, 0);
    if (descriptor < 0) throw new SharedMemoryError('open', systemReason());
    return descriptor;
  }

  /** Maps `byteSize` bytes of an object from `offset`, a multiple of the page size. Throws SharedMemoryError `map`. */
  map(descriptor: number, offset: number, byteSize: number): number {
    const address = this.#mmap(0, byteSize, PROT_READ_WRITE, MAP_SHARED, descriptor, offset);
    if (address === MAP_FAILED) throw new SharedMemoryError('map', systemReason());
    return address;
  }

  /** Puts zeroed private pages in place of a mapping: its addresses stay valid, what it mapped is let go. */
  blank(address: number, byteSize: number): void {
    const flags = MAP_PRIVATE | MAP_FIXED | this.#anonymous;
    if (this.#mmap(address, byteSize, PROT_READ_WRITE, flags, -1, 0) === MAP_FAILED) {
      throw new SharedMemoryError('map', systemReason());
    }
  }

  unmap(address: number, byteSize: number): void {
    this.#munmap(address, byteSize);
  }

  /** The memory at `address`. Whoever unmaps it answers for nobody having the buffer any more. */
  view(address: number, byteSize: number): ArrayBuffer {
    return koffi.view(address, byteSize);
  }
}

function findShmOpen(library: LibraryHandle): (name: string, flags: number, mode: number) => number {
  const prototype = 'int shm_open(const char *name, int flags, uint32_t mode)';
  try {
    return library.func(prototype);
  } catch {
    return koffi.load(OLD_GLIBC_LIBRARY).func(prototype);
  }
}

/** As strerror says it, for the errors that occur here. */
function systemReason(): string {
  const { errno } = koffi.os;
  const code = koffi.errno();
  switch (code) {
    case errno['ENOENT']:
      return 'No such file or directory';
    case errno['EACCES']:
      return 'Permission denied';
    case errno['EINVAL']:
      return 'Invalid argument';
    case errno['ENOMEM']:
      return 'Cannot allocate memory';
    case errno['EMFILE']:
      return 'Too many open files';
    default:
      return `error ${code}`;
  }
}
