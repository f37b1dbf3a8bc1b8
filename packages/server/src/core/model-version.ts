import type { ModelHandle } from '../inference/index.ts';
import type { LoadedVersion } from '../repository/version-loader.ts';

/** One loaded version: the handle front ends see, with the scheduler and the statistics behind it. */
export interface ModelVersion extends LoadedVersion {
  readonly handle: ModelHandle;
}
