/**
 * - `malformed`: the bytes are not a model of the format
 * - `limit`: beyond a limit of the reader
 * - `invalid`: a model, but one that contradicts itself or the request (an unknown output, a cycle)
 * - `unsupported`: correct, but nothing here can translate it
 */
export type ImportErrorCode = 'malformed' | 'limit' | 'invalid' | 'unsupported';

/** What an importer throws. The message names the model, the node and its operation. */
export class ImportError extends Error {
  readonly code: ImportErrorCode;

  constructor(code: ImportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImportError';
    this.code = code;
  }
}
