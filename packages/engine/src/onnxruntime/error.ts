/** Codes of ONNX Runtime's `OrtErrorCode`; 0 (OK) never reaches a caller. */
export type OnnxRuntimeErrorCode = number;

/**
 * A failure reported by ONNX Runtime, with its own code and words. A server prints it as `onnx runtime error <code>: <message>`.
 */
export class OnnxRuntimeError extends Error {
  /** `OrtErrorCode`: 1 FAIL, 2 INVALID_ARGUMENT, 3 NO_SUCHFILE, 6 RUNTIME_EXCEPTION, 7 INVALID_PROTOBUF, 9 NOT_IMPLEMENTED, 10 INVALID_GRAPH … */
  readonly code: OnnxRuntimeErrorCode;

  constructor(code: OnnxRuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OnnxRuntimeError';
    this.code = code;
  }
}

/** The native library, a model file or a tensor handed in cannot be used. Raised by the engine itself, not by ONNX Runtime. */
export class EngineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
  }
}
