import { type StatusCode, StatusError } from '@nereid/protocol';
import type { FieldPath } from './field-path.ts';

/** One thing wrong with a configuration. `message` is Triton's text where Triton has one. */
export interface ConfigProblem {
  readonly code: StatusCode;
  readonly message: string;
  readonly path: FieldPath;
}

/** A rule family yields what is wrong, in the order in which Triton looks. The first problem is the one Triton reports. */
export type Problems = Generator<ConfigProblem, void, void>;

export function invalid(message: string, ...path: FieldPath): ConfigProblem {
  return { code: 'INVALID_ARG', message, path };
}

/** Throws the first problem as a StatusError. The rules behind the others are not run. */
export function throwFirst(problems: Iterable<ConfigProblem>): void {
  for (const problem of problems) throw new StatusError(problem.code, problem.message);
}

/** Passes problems on with `suffix` after the message and `path` in front of the path. */
export function* within(problems: Problems, path: FieldPath, suffix = ''): Problems {
  for (const problem of problems) {
    yield { code: problem.code, message: problem.message + suffix, path: [...path, ...problem.path] };
  }
}
