import { createHash } from 'node:crypto';
import type { Tensor } from '@nereid/protocol';
import type { ScheduledRequest } from '../inference/index.ts';

/** What an entry costs beyond its tensors' bytes: key, shapes and the objects themselves. */
const ENTRY_OVERHEAD_BYTES = 512;

export interface ResponseCacheCounters {
  readonly entries: number;
  readonly bytes: number;
  readonly lookups: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Time spent in lookups and insertions, in nanoseconds. */
  readonly lookupNs: number;
  readonly insertNs: number;
}

interface Entry {
  readonly outputs: readonly Tensor[];
  readonly byteSize: number;
}

/**
 * Successful answers by what was asked (`--cache-config local,size=…`): one memory for all models, the least recently used entry goes first.
 *
 * Unlike Triton's, the key covers data types, shapes and requested outputs besides the inputs' bytes, so requests that differ in them are never
 * given each other's answers. Ids and parameters are not part of it, as in Triton.
 */
export class ResponseCache {
  readonly maxBytes: number;
  /** In order of use, the least recent one first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #lookups = 0;
  #hits = 0;
  #evictions = 0;
  #lookupNs = 0;
  #insertNs = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get counters(): ResponseCacheCounters {
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      lookups: this.#lookups,
      hits: this.#hits,
      misses: this.#lookups - this.#hits,
      evictions: this.#evictions,
      lookupNs: this.#lookupNs,
      insertNs: this.#insertNs,
    };
  }

  lookup(key: string, nowNs: () => number): readonly Tensor[] | undefined {
    const startNs = nowNs();
    this.#lookups++;
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#hits++;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    this.#lookupNs += nowNs() - startNs;
    return entry?.outputs;
  }

  /** Keeps an answer. Returns false when the same question was answered meanwhile; an answer larger than the cache is not kept. */
  insert(key: string, outputs: readonly Tensor[], nowNs: () => number): boolean {
    const startNs = nowNs();
    if (this.#entries.has(key)) return false;
    const byteSize = outputs.reduce((sum, { data }) => sum + data.byteLength, ENTRY_OVERHEAD_BYTES);
    if (byteSize <= this.maxBytes) {
      this.#makeRoom(byteSize);
      this.#entries.set(key, { outputs: outputs.map(detached), byteSize });
      this.#bytes += byteSize;
    }
    this.#insertNs += nowNs() - startNs;
    return true;
  }

  #makeRoom(byteSize: number): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes + byteSize <= this.maxBytes) return;
      this.#entries.delete(key);
      this.#bytes -= entry.byteSize;
      this.#evictions++;
    }
  }
}

/** A tensor with bytes of its own: outputs are often views into those of a whole batch, or memory that a client shares and writes to. */
function detached(tensor: Tensor): Tensor {
  return { ...tensor, data: new Uint8Array(tensor.data) };
}

/**
 * What a request asks, as a key. Lengths are part of it, so no two different requests run together.
 * @param scope tells apart models, their versions and the times they were loaded
 */
export function responseKey(scope: string, scheduled: ScheduledRequest): string {
  const hash = createHash('sha256');
  hash.update(`${scope}\0${scheduled.requestedOutputs.toSorted((a, b) => a - b).join()}`);
  for (const [index, input] of scheduled.inputs.entries()) {
    if (input === undefined) continue;
    hash.update(`\0${index}:${input.dataType}[${input.shape.join()}]${input.data.byteLength}\0`);
    hash.update(input.data);
  }
  return hash.digest('base64');
}
