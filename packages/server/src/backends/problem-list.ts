import { StatusError } from '@nereid/protocol';

/**
 * What is wrong with a configuration, found piece by piece. A load fails with the first, as Triton's does; the others are its `cause`, for a check
 * that reports all of them.
 */
export class ProblemList {
  readonly #problems: StatusError[] = [];

  /** Runs a piece; what it throws is kept, and the next piece can follow. Throws what is no StatusError. */
  collect(piece: () => void): void {
    try {
      piece();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#problems.push(error);
    }
  }

  /** @throws StatusError the first, with an AggregateError of all of them as its cause when there are several */
  throwFirst(): void {
    const [first, ...others] = this.#problems;
    if (first === undefined) return;
    if (others.length === 0) throw first;
    throw new StatusError(first.code, first.message, { cause: new AggregateError(this.#problems) });
  }
}
