/** A model that a container has, or is getting. */
interface Entry {
  readonly bytes: number;
  /** Settles when the container has loaded it. */
  readonly loaded: Promise<void>;
  isLoaded: boolean;
  /** Requests that use it now. */
  users: number;
  /** Grows with each use: the smallest is the least recently used. */
  lastUse: number;
}

export interface MultiModelCacheOptions {
  readonly maxBytes: number;
  readonly unload: (model: string) => Promise<void>;
}

/** Unloading cannot make room: everything that is loaded is in use. */
export class CacheFullError extends Error {}

/** Which models one container holds, and which go when room is needed: the least recently used that no request is using. */
export class MultiModelCache {
  readonly #options: MultiModelCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiters: (() => void)[] = [];
  #uses = 0;

  constructor(options: MultiModelCacheOptions) {
    this.#options = options;
  }

  has(model: string): boolean {
    return this.#entries.has(model);
  }

  get models(): readonly string[] {
    return [...this.#entries.keys()];
  }

  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
  }

  /**
   * Counts a use of `model`, loading it by `load` when it is not there (or getting there). `wasCached` tells which. Call `release` when the use is over.
   * A load that fails leaves nothing behind.
   */
  use(
    model: string,
    bytes: number,
    load: () => Promise<void>,
  ): { readonly ready: Promise<void>; readonly wasCached: boolean; release(): void } {
    const known = this.#entries.get(model);
    const entry = known ?? this.#load(model, bytes, load);
    entry.users += 1;
    entry.lastUse = ++this.#uses;
    let held = true;
    return {
      ready: entry.loaded,
      wasCached: known?.isLoaded === true,
      release: () => {
        if (!held) return;
        held = false;
        entry.users -= 1;
        for (const wake of this.#waiters.splice(0)) wake();
      },
    };
  }

  /** Forgets a model that the container says it has not. */
  forget(model: string): void {
    this.#entries.delete(model);
  }

  /** Unloads the least recently used idle model. Throws CacheFullError when there is none. */
  async evictOne(): Promise<void> {
    const idle = [...this.#entries].filter(([, entry]) => entry.isLoaded && entry.users === 0);
    const oldest = idle.sort(([, a], [, b]) => a.lastUse - b.lastUse)[0];
    if (!oldest) throw new CacheFullError('every loaded model is in use');
    const [model] = oldest;
    this.#entries.delete(model);
    await this.#options.unload(model);
  }

  /** Unloads `model` unless somebody uses it. */
  async evict(model: string): Promise<void> {
    const entry = this.#entries.get(model);
    if (!entry?.isLoaded || entry.users > 0) return;
    this.#entries.delete(model);
    await this.#options.unload(model);
  }

  #load(model: string, bytes: number, load: () => Promise<void>): Entry {
    const loaded = this.#makeRoom(model, bytes).then(load);
    const entry: Entry = { bytes, loaded, isLoaded: false, users: 0, lastUse: 0 };
    this.#entries.set(model, entry);
    loaded.then(
      () => {
        entry.isLoaded = true;
      },
      () => {
        if (this.#entries.get(model) === entry) this.#entries.delete(model);
      },
    );
    return entry;
  }

  async #makeRoom(model: string, bytes: number): Promise<void> {
    // A model larger than the whole budget is still tried, alone.
    while (this.#otherBytes(model) > 0 && this.#otherBytes(model) + bytes > this.#options.maxBytes) {
      try {
        await this.evictOne();
      } catch (error) {
        if (!(error instanceof CacheFullError)) throw error;
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    }
  }

  #otherBytes(model: string): number {
    return this.bytes - (this.#entries.get(model)?.bytes ?? 0);
  }
}
