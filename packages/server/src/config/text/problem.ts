/** Where something starts in a text: both count from 1; a tab moves to the next multiple of 8 columns, as libprotobuf counts. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export interface TextProblem extends TextPosition {
  readonly message: string;
}

/** A text that is not a ModelConfig. `problems` are in the order libprotobuf reports them; there is at least one. */
export class ConfigTextError extends Error {
  readonly problems: readonly TextProblem[];

  constructor(problems: readonly TextProblem[]) {
    super(problems.map(describeTextProblem).join('\n'));
    this.name = 'ConfigTextError';
    this.problems = problems;
  }
}

/** A problem as libprotobuf logs it: `Error parsing text-format inference.ModelConfig: 29:17: Expected integer, got: $`. */
export function describeTextProblem(problem: TextProblem): string {
  return `Error parsing text-format inference.ModelConfig: ${problem.line}:${problem.column}: ${problem.message}`;
}
