import { EngineError, OnnxRuntimeError } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';

const FAIL = 1;
const RUNTIME_EXCEPTION = 6;

/** An exception thrown inside a kernel: the status message begins with the source line that threw. */
const KERNEL_EXCEPTION = /^Non-zero status code returned while running [\s\S]* Status Message: \/onnxruntime_src\//;

/** A failure of the engine as clients see it. Triton prints ONNX Runtime's own code and message. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof OnnxRuntimeError) {
    return new StatusError('INTERNAL', `onnx runtime error ${errorCode(error)}: ${error.message}`, { cause: error });
  }
  if (error instanceof EngineError) return new StatusError('INTERNAL', error.message, { cause: error });
  return StatusError.from(error);
}

/** The library that Triton is built with reports an exception in a kernel as RUNTIME_EXCEPTION, newer ones as FAIL. */
function errorCode(error: OnnxRuntimeError): number {
  return error.code === FAIL && KERNEL_EXCEPTION.test(error.message) ? RUNTIME_EXCEPTION : error.code;
}
