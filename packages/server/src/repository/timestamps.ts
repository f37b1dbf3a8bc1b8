import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from './model-id.ts';

/**
 * When the things in a model directory were last changed (nanoseconds since the epoch): the latest of modification and status change, of
 * everything below. It tells whether a model has to be loaded again, and which of its versions.
 */
export class ModelTimestamp {
  /** By name in the model directory; '' is the directory itself. */
  readonly #times: Map<string, bigint>;
  readonly #configName: string | undefined;

  constructor(times: ReadonlyMap<string, bigint> = new Map(), configName?: string) {
    this.#times = new Map(times);
    this.#configName = configName;
  }

  /** Reads the times of a model directory; what cannot be read counts as never changed. `configPath` is relative to it. */
  static async read(modelDirectory: string, configPath: string, maxFiles: number): Promise<ModelTimestamp> {
    const times = new Map<string, bigint>();
    const names = await readdir(modelDirectory).catch(() => undefined);
    const own = await timeOf(modelDirectory);
    if (names === undefined || own === undefined) return new ModelTimestamp();
    times.set('', own.time);
    const walk: Walk = { left: maxFiles, seen: new Set([own.identity]) };
    for (const name of names.sort(compareBytes)) times.set(name, await latestTime(join(modelDirectory, name), walk));
    const configName = configPath.split('/')[0];
    return new ModelTimestamp(times, configName !== undefined && times.has(configName) ? configName : undefined);
  }

  isOlderThan(other: ModelTimestamp): boolean {
    return latest(other.#times.values()) > latest(this.#times.values());
  }

  /** Whether the files of a version, or files that every version may use, are newer in `other`. */
  isVersionOlderThan(other: ModelTimestamp, version: number): boolean {
    return other.#versionTime(version) > this.#versionTime(version);
  }

  /** The same, with the configuration changed at `time`: a configuration that came with a load request stays until the files are newer. */
  withConfigTime(time: bigint): ModelTimestamp {
    if (this.#configName === undefined) return this;
    return new ModelTimestamp(new Map(this.#times).set(this.#configName, time), this.#configName);
  }

  #versionTime(version: number): bigint {
    const shared = [...this.#times].filter(([name]) => /\D/.test(name) && name !== this.#configName);
    return latest([this.#times.get(String(version)) ?? 0n, ...shared.map(([, time]) => time)]);
  }
}

interface Walk {
  /** Files and directories that may still be looked at. */
  left: number;
  /** Directories on the way, so that a link to one of them ends there. */
  readonly seen: Set<string>;
}

async function latestTime(path: string, walk: Walk): Promise<bigint> {
  walk.left -= 1;
  const found = walk.left < 0 ? undefined : await timeOf(path);
  if (found === undefined) return 0n;
  if (!found.isDirectory || walk.seen.has(found.identity)) return found.time;
  walk.seen.add(found.identity);
  let time = found.time;
  for (const name of await readdir(path).catch(() => [])) {
    const inner = await latestTime(join(path, name), walk);
    if (inner > time) time = inner;
  }
  return time;
}

async function timeOf(path: string): Promise<{ time: bigint; isDirectory: boolean; identity: string } | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return undefined;
  const time = latest([found.mtimeNs, found.ctimeNs]);
  return { time, isDirectory: found.isDirectory(), identity: `${found.dev}:${found.ino}` };
}

function latest(times: Iterable<bigint>): bigint {
  let result = 0n;
  for (const time of times) if (time > result) result = time;
  return result;
}
