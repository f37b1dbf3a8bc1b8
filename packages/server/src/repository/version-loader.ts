import type { ModelConfig } from '@nereid/protocol/model-config';
import type { ModelHandle, ModelLoadContext } from '../inference/index.ts';

/** Class labels by output name; line N of the file is class N. */
export type ModelLabels = ReadonlyMap<string, readonly string[]>;

/** A model version that was loaded, with whatever its owner keeps beside the handle. */
export interface LoadedVersion {
  readonly handle: ModelHandle;
  /** Stops the scheduler, waits for requests in flight, frees the model. Called once. */
  unload(): Promise<void>;
}

/**
 * How the repository turns files into something that runs. The core implements it; the repository decides what to load, in which order,
 * and keeps the states. `context.config` is read from disk, auto-filled (platform, backend, file name), normalised and validated.
 */
export interface VersionLoader<Version extends LoadedVersion> {
  /** Backend auto-complete, then instance-group normalisation and the second validation. Not called for ensembles. Throws StatusError. */
  completeConfig(context: ModelLoadContext, options: { autoComplete: boolean }): Promise<ModelConfig>;
  /**
   * Loads one version, warm-up included. `labels` are what the handle's `labels` answers: read from the label files, for an ensemble
   * with those its outputs inherit. Throws StatusError; nothing is left allocated then.
   */
  load(context: ModelLoadContext, labels: ModelLabels): Promise<Version>;
}
