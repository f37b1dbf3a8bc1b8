import type { ModelConfig } from '../config/index.ts';
import type { ModelId } from './model-id.ts';
import type { OverrideDirectory } from './override-files.ts';
import type { ModelTimestamp } from './timestamps.ts';

/** A model as it was last polled: what would be loaded. */
export interface ModelSource {
  readonly id: ModelId;
  readonly modelDirectory: string;
  /** Read, auto-filled, normalised and checked, but not completed by its backend. */
  readonly config: ModelConfig;
  /** False when there was no configuration at all: the backend has to make one. */
  readonly isConfigProvided: boolean;
  /** Named by a load request, or found by a mode that loads everything; a model that an ensemble brought along is not. */
  readonly explicitlyLoaded: boolean;
  readonly timestamp: ModelTimestamp;
  /** When the model was polled before; a load that fails goes back to it, so that the next request tries again. */
  readonly previousTimestamp: ModelTimestamp;
  /** Where the files are that came with the load request. */
  readonly overrides: OverrideDirectory | undefined;
}
