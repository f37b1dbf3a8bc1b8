export type {
  SharedMemoryReference,
  SharedMemorySource,
  WireInferRequest,
  WireOutput,
  WireParameter,
} from './request.ts';
export {
  type InferRequestBody,
  InferRequestDecoder,
  type InferRequestDecoderOptions,
  type InferRequestDecoding,
} from './request-decoder.ts';
export {
  type EncodableInferRequest,
  type EncodableInput,
  type EncodedInferRequest,
  encodeInferRequest,
} from './request-encoder.ts';
export { customParameter } from './request-parameters.ts';
export {
  checkTensorContents,
  type DecodedInferResponse,
  type DecodedOutput,
  type InferResponseBody,
  InferResponseDecoder,
} from './response-decoder.ts';
export { InferResponseEncoding, type OutputForm, type WireInferResponse, writeParameter } from './response-encoder.ts';
