import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const INTERVAL_MS = 1000;

/**
 * Tells when files change, from the moment it is made. It looks at them from time to time: that also sees files that are replaced, behind
 * symbolic links too. A file that goes away and one that comes are changes as well.
 */
export class WatchedFiles {
  readonly #paths: readonly string[];
  readonly #changed: () => void;
  readonly #timer: NodeJS.Timeout;
  #seen: string;
  #looking = false;

  constructor(paths: readonly string[], changed: () => void, intervalMs = INTERVAL_MS) {
    this.#paths = paths;
    this.#changed = changed;
    this.#seen = paths.map((path) => fingerprint(statNow(path))).join();
    this.#timer = setInterval(() => void this.#look(), intervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const stats = await Promise.all(this.#paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)));
    this.#looking = false;
    const seen = stats.map(fingerprint).join();
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#changed();
  }
}

function statNow(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function fingerprint(stats: BigIntStats | undefined): string {
  return stats === undefined ? '-' : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}
