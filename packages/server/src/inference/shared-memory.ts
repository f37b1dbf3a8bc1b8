import type { SharedMemoryReference, SharedMemorySource, Tensor } from '@nereid/protocol';

/** A region that a client registered. */
export interface SharedMemoryRegion {
  readonly name: string;
  /** As the client gave it. */
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
}

/**
 * What one request does with shared memory. Regions it used stay until `release`, whatever clients unregister meanwhile.
 * Every front end makes one per request that names a region, and releases it when the request is answered.
 */
export interface SharedMemoryLease extends SharedMemorySource {
  /**
   * Puts outputs where `place` says (undefined: in the answer), and returns all of them. Outputs that stay in the answer are copied when they are
   * memory of a client. Throws StatusError INTERNAL, with Triton's text, for one that its place does not hold.
   */
  placeOutputs(
    outputs: readonly Tensor[],
    place: (name: string) => SharedMemoryReference | undefined,
  ): readonly Tensor[];
  /** May be called again. */
  release(): void;
}

/** System shared memory as front ends see it. Failures are StatusErrors with Triton's texts. */
export interface SharedMemory {
  /** False without `--allow-client-shm`: nothing can be registered then. */
  readonly allowed: boolean;
  /** Regions by name; '' means all. Throws NOT_FOUND. */
  regions(name: string): readonly SharedMemoryRegion[];
  /** Throws INVALID_ARG, ALREADY_EXISTS, INTERNAL, UNAVAILABLE (too many), UNSUPPORTED (not allowed). */
  register(name: string, key: string, offset: number | bigint, byteSize: number | bigint): void;
  /** '' means all; a name that is not registered is no error. Throws UNSUPPORTED when it is not allowed. */
  unregister(name: string): void;
  lease(): SharedMemoryLease;
}
