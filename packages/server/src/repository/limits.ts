/** Bounds on what a repository may make the server read and keep. All are checked before memory is set aside. */
export interface RepositoryLimits {
  /** Size of one `config.pbtxt` or of one configuration given as JSON. */
  readonly maxConfigBytes: number;
  /** Size of one label file. */
  readonly maxLabelFileBytes: number;
  /** Files and directories looked at in one model directory. */
  readonly maxModelFiles: number;
  /** Length of a model name in UTF-16 units. */
  readonly maxNameLength: number;
}

export const DEFAULT_REPOSITORY_LIMITS: RepositoryLimits = {
  maxConfigBytes: 16 * 1024 * 1024,
  maxLabelFileBytes: 64 * 1024 * 1024,
  maxModelFiles: 100_000,
  maxNameLength: 1024,
};
