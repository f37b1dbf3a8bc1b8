import type { Backend, Clock, IndexEntry, LoadOverrides, Logger, ModelState } from '../inference/index.ts';
import type { MetricsPageOptions } from '../observability/index.ts';
import type { LoadedVersion, VersionLoader } from '../repository/index.ts';
import type { RateLimitResource } from '../schedulers/index.ts';
import type { ModelVersion } from './model-version.ts';

/**
 * What the core asks of the model repository: which versions exist, in which state, and how to change that. `repository/` implements it
 * over directories; tests implement it over a list.
 */
export interface VersionStore<Version extends LoadedVersion> {
  /** The version that answers a request; -1 is the highest one that is ready. Throws StatusError with Triton's texts. */
  resolve(name: string, version: number): Version;
  /** The version that a step of an ensemble means; its `model_namespace` is '' without namespacing. Throws StatusError. */
  resolveStep(namespace: string, name: string, version: number): Version;
  /** Throws like `resolve` for what does not exist; UNKNOWN never comes back. */
  state(name: string, version: number): ModelState;
  /** Versions that are ready, ascending; empty for an unknown model. */
  readyVersions(name: string): readonly number[];
  /** Every version that is loaded now, of every model. */
  loadedVersions(): Iterable<Version>;
  index(readyOnly: boolean): readonly IndexEntry[];
  load(name: string, overrides?: LoadOverrides): Promise<void>;
  unload(name: string, options: { unloadDependents: boolean }): Promise<void>;
  register(path: string, modelMapping: ReadonlyMap<string, string>): void;
  unregister(path: string): void;
  /** Loads what the control mode says is loaded at start. Never rejects for a bad model: its state and reason say so. */
  start(): Promise<void>;
  /** Unloads everything, ensembles before their steps. */
  stop(): Promise<void>;
}

export interface CoreOptions {
  /** `--id` */
  readonly id: string;
  /** Reported in server metadata. */
  readonly version: string;
  readonly extensions: readonly string[];
  /** By the name a configuration uses in `backend`. */
  readonly backends: ReadonlyMap<string, Backend>;
  /** Builds the repository over the core's loader. */
  readonly createStore: (loader: VersionLoader<ModelVersion>) => VersionStore<ModelVersion>;
  readonly log: Logger;
  /** `process.hrtime` and `setTimeout` when not given. */
  readonly clock?: Clock;
  /** `--cache-config local,size=…`: bytes of the response cache; none when not given. */
  readonly responseCacheBytes?: number | undefined;
  /** `--rate-limit=execution_count`: `--rate-limit-resource`; no rate limit when not given. */
  readonly rateLimit?: { readonly resources: readonly RateLimitResource[] } | undefined;
  /** The metrics page; all of it when not given. */
  readonly metrics?: MetricsPageOptions & { readonly namespacing?: boolean };
  /** `--strict-readiness` (default true): ready means that every model is. */
  readonly strictReadiness?: boolean;
  /** Environment; `TRITONSERVER_DELAY_SCHEDULER` and `TRITONSERVER_BACKLOG_DELAY_SCHEDULER` are read. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}
