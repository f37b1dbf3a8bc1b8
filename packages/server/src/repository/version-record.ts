import type { ModelConfig } from '../config/index.ts';
import type { ModelState } from '../inference/index.ts';
import type { ModelId } from './model-id.ts';
import type { OverrideDirectory } from './override-files.ts';
import type { LoadedVersion } from './version-loader.ts';

/** One version of a model from its first load on; it stays after an unload, to say what happened. */
export class VersionRecord<Version extends LoadedVersion> {
  readonly version: number;
  /** As polled, for telling whether a later one asks for a reload. */
  polledConfig: ModelConfig;
  state: ModelState = 'LOADING';
  /** Why it is in this state; '' when there is nothing to say. */
  reason = '';
  /** Set while READY, and while LOADING after the load itself is over. */
  loaded: Version | undefined;
  readonly #overrides: OverrideDirectory | undefined;

  constructor(version: number, polledConfig: ModelConfig, overrides: OverrideDirectory | undefined) {
    this.version = version;
    this.polledConfig = polledConfig;
    this.#overrides = overrides?.hold();
  }

  async fail(reason: string): Promise<void> {
    this.state = 'UNAVAILABLE';
    this.reason = reason;
    await this.#overrides?.release();
  }

  /** Takes the version out of service at once and frees it after `after`. Settles when it is gone; never rejects. */
  async unload(after: Promise<unknown>, onError: (error: unknown) => void): Promise<void> {
    const loaded = this.loaded;
    this.state = 'UNLOADING';
    this.reason = '';
    this.loaded = undefined;
    await after;
    await loaded?.unload().catch(onError);
    await this.#overrides?.release();
    this.state = 'UNAVAILABLE';
    this.reason = 'unloaded';
  }
}

/** All versions of one model. `latest` is kept beside them, for requests that name no version. */
export class ModelVersions<Version extends LoadedVersion> {
  readonly id: ModelId;
  readonly records = new Map<number, VersionRecord<Version>>();
  latest: Version | undefined;

  constructor(id: ModelId) {
    this.id = id;
  }

  /** To be called after every change of a record. */
  update(): void {
    this.latest = undefined;
    for (const record of this.sorted()) if (record.state === 'READY') this.latest = record.loaded;
  }

  /** Ascending by version. */
  sorted(): VersionRecord<Version>[] {
    return [...this.records.values()].sort((a, b) => a.version - b.version);
  }
}
