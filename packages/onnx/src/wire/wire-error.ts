/** Bytes that are not protobuf, or protobuf beyond a limit. `offset` counts from the start of the outermost buffer. */
export class WireError extends Error {
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
    this.name = 'WireError';
    this.offset = offset;
  }
}
