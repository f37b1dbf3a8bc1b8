import { type DataType, type SharedMemoryReference, StatusError, type Tensor } from '@nereid/protocol';
import type { SharedMemoryLease } from '../inference/index.ts';
import type { Region } from './region.ts';

/** Finds a region that is registered. Throws StatusError NOT_FOUND. */
export type RegionFinder = (name: string) => Region;

/** The regions that one request uses. */
export class RegionLease implements SharedMemoryLease {
  readonly #find: RegionFinder;
  /** By the name the request uses; another region may be registered under it meanwhile. */
  readonly #regions = new Map<string, Region>();

  constructor(find: RegionFinder) {
    this.#find = find;
  }

  read(reference: SharedMemoryReference, dataType: DataType | undefined): Uint8Array {
    const data = this.#region(reference).read(reference);
    // Lengths inside the contents are checked once and followed later: nobody may change them in between.
    return dataType === 'BYTES' ? new Uint8Array(data) : data;
  }

  reserve(reference: SharedMemoryReference): void {
    this.#region(reference).range(reference);
  }

  placeOutputs(
    outputs: readonly Tensor[],
    place: (name: string) => SharedMemoryReference | undefined,
  ): readonly Tensor[] {
    return outputs.map((tensor) => {
      const reference = place(tensor.name);
      if (reference === undefined) return this.#isShared(tensor.data) ? copied(tensor) : tensor;
      const { byteLength } = tensor.data;
      if (byteLength > reference.byteSize) throw tooSmall(tensor, reference);
      if (byteLength > 0) this.#region(reference).write(reference, tensor.data);
      return tensor;
    });
  }

  release(): void {
    for (const region of this.#regions.values()) region.leave();
    this.#regions.clear();
  }

  #region({ region: name }: SharedMemoryReference): Region {
    let region = this.#regions.get(name);
    if (region === undefined) {
      region = this.#find(name);
      region.enter();
      this.#regions.set(name, region);
    }
    return region;
  }

  #isShared(data: Uint8Array): boolean {
    for (const region of this.#regions.values()) if (region.holds(data)) return true;
    return false;
  }
}

function copied(tensor: Tensor): Tensor {
  return { ...tensor, data: new Uint8Array(tensor.data) };
}

function tooSmall({ name, data }: Tensor, { byteSize }: SharedMemoryReference): StatusError {
  return new StatusError(
    'INTERNAL',
    `shared memory size specified with the request for output '${name}' (${byteSize} bytes) should be at least ${data.byteLength} bytes to hold the results`,
  );
}
