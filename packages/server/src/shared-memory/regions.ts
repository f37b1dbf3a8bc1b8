import { type SharedMemoryAccess, SharedMemoryError, SharedMemoryOpener } from '@nereid/engine/shared-memory';
import { StatusError } from '@nereid/protocol';
import type { SharedMemory, SharedMemoryLease, SharedMemoryRegion } from '../inference/index.ts';
import { checkKey, isAllowedKey, isObjectName } from './keys.ts';
import { RegionLease } from './lease.ts';
import { Region } from './region.ts';

export interface SharedMemoryRegionsOptions {
  /** `--allow-client-shm` */
  readonly allowed: boolean;
  /** `--client-shm-access`: `mapped` when not given. */
  readonly access?: SharedMemoryAccess | undefined;
  /** `--client-shm-key-prefix`: what keys have to begin with; anything when empty or not given. */
  readonly keyPrefixes?: readonly string[] | undefined;
  /** Each region holds a file descriptor. */
  readonly maxRegions?: number | undefined;
}

const MAX_REGIONS = 1024;

/** The system shared memory regions of a server, shared by its front ends. */
export class SharedMemoryRegions implements SharedMemory {
  readonly allowed: boolean;
  readonly #opener: SharedMemoryOpener;
  readonly #keyPrefixes: readonly string[];
  readonly #maxRegions: number;
  readonly #regions = new Map<string, Region>();

  constructor(options: SharedMemoryRegionsOptions) {
    this.allowed = options.allowed;
    this.#opener = new SharedMemoryOpener(options.access ?? 'mapped');
    this.#keyPrefixes = options.keyPrefixes ?? [];
    this.#maxRegions = options.maxRegions ?? MAX_REGIONS;
  }

  regions(name: string): readonly SharedMemoryRegion[] {
    if (name === '') return [...this.#regions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const region = this.#regions.get(name);
    if (region === undefined) {
      throw new StatusError('NOT_FOUND', `Unable to find system shared memory region: '${name}'`);
    }
    return [region];
  }

  register(name: string, key: string, offset: number | bigint, byteSize: number | bigint): void {
    this.#checkAllowed();
    checkKey(name, key);
    if (this.#regions.has(name)) {
      throw new StatusError('ALREADY_EXISTS', `shared memory region '${name}' already in manager`);
    }
    if (!isObjectName(key) || !isAllowedKey(key, this.#keyPrefixes)) throw cannotOpen(key);
    if (this.#regions.size >= this.#maxRegions) {
      throw new StatusError(
        'UNAVAILABLE',
        `failed to register shared memory region '${name}': ${this.#maxRegions} regions are registered, which is the limit`,
      );
    }
    // No object is that large; numbers are exact below.
    if (BigInt(offset) + BigInt(byteSize) > BigInt(Number.MAX_SAFE_INTEGER)) throw outOfBounds(name);
    const about = { name, key, offset: Number(offset), byteSize: Number(byteSize) };
    this.#regions.set(name, this.#open(about));
  }

  unregister(name: string): void {
    this.#checkAllowed();
    for (const region of name === '' ? [...this.#regions.values()] : [this.#regions.get(name)]) {
      if (region === undefined) continue;
      this.#regions.delete(region.name);
      region.unregister();
    }
  }

  lease(): SharedMemoryLease {
    return new RegionLease((name) => {
      const region = this.#regions.get(name);
      if (region === undefined) {
        throw new StatusError('NOT_FOUND', `Unable to find shared memory region: '${name}'`);
      }
      return region;
    });
  }

  /** Lets every region go. */
  close(): void {
    for (const region of this.#regions.values()) region.unregister();
    this.#regions.clear();
  }

  #checkAllowed(): void {
    if (this.allowed) return;
    throw new StatusError(
      'UNSUPPORTED',
      "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
    );
  }

  #open(about: SharedMemoryRegion): Region {
    const { name, key, offset, byteSize } = about;
    try {
      return new Region(about, this.#opener.open(key, offset, byteSize));
    } catch (error) {
      if (!(error instanceof SharedMemoryError)) throw error;
      switch (error.fault) {
        case 'unsupported':
          throw new StatusError('UNSUPPORTED', `Shared memory feature is currently not supported: ${error.message}`);
        case 'open':
          throw cannotOpen(key);
        case 'invalid':
          throw new StatusError('INTERNAL', `Invalid shared memory region: '${key}'`);
        case 'size':
          throw outOfBounds(name);
        case 'map':
          throw new StatusError(
            'INVALID_ARG',
            `failed to register shared memory region '${name}': unable to process address space${error.message}`,
          );
      }
    }
  }
}

function cannotOpen(key: string): StatusError {
  return new StatusError('INTERNAL', `Unable to open shared memory region: '${key}'`);
}

function outOfBounds(name: string): StatusError {
  return new StatusError('INVALID_ARG', `failed to register shared memory region '${name}': invalid args`);
}
