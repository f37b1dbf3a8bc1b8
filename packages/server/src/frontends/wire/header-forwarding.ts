import { StatusError } from '@nereid/protocol';
import type { ParameterValue } from '../../inference/index.ts';

const RESERVED: ReadonlySet<string> = new Set([
  'sequence_id',
  'sequence_start',
  'sequence_end',
  'priority',
  'timeout',
  'headers',
  'binary_data_output',
]);

/** `--http-header-forward-pattern`: headers whose name it matches anywhere, in any case, become parameters of the request. */
export class HeaderForwarding {
  readonly #pattern: RegExp | undefined;

  /** Throws SyntaxError for a pattern that is no regular expression. */
  constructor(pattern: string) {
    this.#pattern = pattern === '' ? undefined : new RegExp(pattern, 'i');
  }

  /** Adds the headers (names and values, one after the other) to `parameters`, under their names as sent. Throws StatusError INVALID_ARG for a reserved name. */
  forward(req: { readonly rawHeaders: readonly string[] }, parameters: Map<string, ParameterValue>): void {
    if (this.#pattern === undefined) return;
    const headers = req.rawHeaders;
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index]!;
      if (!this.#pattern.test(name)) continue;
      if (RESERVED.has(name) || name.startsWith('triton_')) {
        throw new StatusError('INVALID_ARG', `Header '${name}' is reserved for Triton usage and cannot be forwarded.`);
      }
      parameters.set(name, headers[index + 1]!);
    }
  }
}
