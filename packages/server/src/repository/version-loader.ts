import type { ModelConfig } from '../config/gen/model_config_pb.js';
import type { ModelHandle, ModelLoadContext } from '../inference/index.ts';

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
  /** Loads one version, warm-up included. Throws StatusError; nothing is left allocated then. */
  load(context: ModelLoadContext): Promise<Version>;
}
