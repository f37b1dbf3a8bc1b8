import type { Logger } from '../../inference/index.ts';
import type { RepositoryLimits } from '../limits.ts';
import type { LoadedVersion, VersionLoader } from '../version-loader.ts';

export interface InspectionOptions {
  /** False with `--disable-auto-complete-config`. */
  readonly autoComplete: boolean;
  readonly modelConfigName?: string;
  readonly namespacing?: boolean;
  readonly backendConfig?: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly cacheDirectory?: string;
  readonly limits?: Partial<RepositoryLimits>;
  /** Completes and loads every version, to find what only its backend can tell; configurations alone are looked at when not given. */
  readonly loader?: VersionLoader<LoadedVersion>;
  /** Given to backends. */
  readonly log: Logger;
}

/** Something wrong, or worth a look. */
export interface InspectionProblem {
  readonly severity: 'error' | 'warning';
  /** Undefined for a problem of a repository as a whole. */
  readonly model: string | undefined;
  /** The configuration, or the directory where there is none. */
  readonly file: string;
  /** Both from 1, where the problem comes from text. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Triton's text where Triton has one. */
  readonly message: string;
  /** What may have been meant; undefined when nothing is near. */
  readonly hint: string | undefined;
}

export interface RepositoryInspection {
  /** Models that have no error, by name. */
  readonly goodModels: readonly string[];
  readonly problems: readonly InspectionProblem[];
  readonly ensembles: readonly EnsembleGraph[];
}

/** One end of an edge of an ensemble's graph. */
export interface GraphPort {
  /** Name of the step's input or output, of the ensemble's own at its ends. */
  readonly port: string;
  /** The ensemble tensor that the edge is. */
  readonly tensor: string;
  /** Protocol name; undefined when nothing says it. */
  readonly dataType: string | undefined;
  /** With the batch dimension where the model has one; undefined when nothing says it. */
  readonly shape: readonly bigint[] | undefined;
}

export interface GraphStep {
  /** Position in the configuration. */
  readonly index: number;
  readonly model: string;
  /** -1: the highest that is ready. */
  readonly version: bigint;
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
}

/** An ensemble as data: its tensors are the edges. */
export interface EnsembleGraph {
  readonly name: string;
  readonly maxBatchSize: number;
  readonly inputs: readonly GraphPort[];
  /** In an order in which they can run; steps that never can come last. */
  readonly steps: readonly GraphStep[];
  readonly outputs: readonly GraphPort[];
}
