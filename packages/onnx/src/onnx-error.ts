/**
 * - `malformed`: the bytes are not an ONNX model
 * - `limit`: well-formed, but beyond a limit of the reader or of the format (2 GB)
 * - `invalid`: a model, but one that breaks a rule of ONNX
 */
export type OnnxErrorCode = 'malformed' | 'limit' | 'invalid';

/** What `packages/onnx` throws. The message says operation, subject and value. */
export class OnnxError extends Error {
  readonly code: OnnxErrorCode;

  constructor(code: OnnxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OnnxError';
    this.code = code;
  }
}
