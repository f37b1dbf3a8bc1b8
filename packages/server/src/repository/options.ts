import type { RepositoryLimits } from './limits.ts';

/** `--model-control-mode` */
export type ModelControlMode = 'none' | 'poll' | 'explicit';

/** How a repository is served; each field is the flag of the same name. */
export interface RepositoryOptions {
  /** `--model-repository`, in the order given. */
  readonly paths: readonly string[];
  readonly controlMode: ModelControlMode;
  /** `--load-model`; `['*']` loads everything. Only with control mode `explicit`. */
  readonly startupModels: readonly string[];
  /** False with `--disable-auto-complete-config`. */
  readonly autoComplete: boolean;
  /** `--model-config-name`: `configs/<name>.pbtxt` is read instead of `config.pbtxt` where it exists. */
  readonly modelConfigName?: string;
  /** `--model-namespacing`: the same model name may appear in several repositories. */
  readonly namespacing?: boolean;
  /** `--repository-poll-secs`; 15 s when not given. */
  readonly pollIntervalMs?: number;
  /** `--model-load-thread-count`: versions that load at the same time; 4 when not given. */
  readonly loadThreadCount?: number;
  /** `--model-load-retry-count`: further attempts after a failed load; 0 when not given. */
  readonly loadRetryCount?: number;
  /** `--backend-config`: settings by backend name, the global ones under `''`. */
  readonly backendConfig?: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Where backends keep what they derive from model files; none when not given. */
  readonly cacheDirectory?: string;
  /** Where the files of a `file:` override are put; the system's directory for temporary files when not given. */
  readonly temporaryDirectory?: string;
  /** Given each line that libprotobuf writes, past the log, about a configuration that is not text format; standard error when not given. */
  readonly onTextFormatError?: (line: string) => void;
  readonly limits?: Partial<RepositoryLimits>;
}
