export type { SharedMemoryReference, WireInferRequest, WireOutput, WireParameter } from './request.ts';
export {
  type InferRequestBody,
  InferRequestDecoder,
  type InferRequestDecoderOptions,
  type InferRequestDecoding,
} from './request-decoder.ts';
export { customParameter } from './request-parameters.ts';
export { InferResponseEncoding, type OutputForm, type WireInferResponse, writeParameter } from './response-encoder.ts';
