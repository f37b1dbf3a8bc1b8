/**
 * Native execution: ONNX Runtime, image decode and kernels.
 *
 * ONNX Runtime in short:
 *
 *     const runtime = new OnnxRuntime();                        // one per thread; thread pools are one per process
 *     const session = await runtime.load('model.onnx');         // or bytes; options: graph level, threads, arena …
 *     session.inputs[0];                                        // { name, dataType, dims, symbolicDims, … }
 *     session.runSync([{ input: 0, dataType: 'FP32', shape: [1, 3], data }]);          // EngineTensor[], on this thread
 *     await session.runAsync(inputs, [1]).result;                                      // only output 1, on the thread pool
 *     const run = session.run(inputs);                          // whichever is quicker: EngineTensor[] or a PendingRun
 *     await session.release();
 *     await runtime.close();
 *
 * Tensors are the protocol's: little-endian bytes, BYTES with a uint32 length before each element. Inputs are read in place.
 */
export {
  type ElementType,
  EngineError,
  type EngineTensor,
  elementByteSize,
  type LoadOptions,
  OnnxRuntime,
  OnnxRuntimeError,
  PendingRun,
  type RunInput,
  type RunMode,
  type RuntimeOptions,
  Session,
  type SessionHandle,
  type SessionOptions,
  type ValueInfo,
  type ValueKind,
} from './onnxruntime/index.ts';
