export { BYTES_PREFIX_SIZE, decodeBytesElements, encodeBytesElements } from './bytes-elements.ts';
export { type BytesExtent, BytesWalk, bytesElementLength, LONG_BYTES_CONTENTS } from './bytes-walk.ts';
export { Classification, classify } from './classification.ts';
export { DATA_TYPES, type DataType, dataTypeByteSize, isDataType } from './data-type.ts';
export {
  checkTensorContents,
  customParameter,
  type DecodedInferResponse,
  type DecodedOutput,
  type EncodableInferRequest,
  type EncodableInput,
  type EncodedInferRequest,
  encodeInferRequest,
  type InferRequestBody,
  InferRequestDecoder,
  type InferRequestDecoderOptions,
  type InferRequestDecoding,
  type InferResponseBody,
  InferResponseDecoder,
  InferResponseEncoding,
  type OutputForm,
  type SharedMemoryReference,
  type SharedMemorySource,
  type WireInferRequest,
  type WireInferResponse,
  type WireOutput,
  type WireParameter,
  writeParameter,
} from './infer/index.ts';
export {
  ByteWriter,
  cString,
  isJsonInt64,
  JsonCursor,
  JsonDouble,
  JsonLongText,
  JsonObject,
  JsonReader,
  JsonTensorData,
  type JsonValue,
  jsonArray,
  jsonBoolean,
  jsonMember,
  jsonObject,
  jsonRequiredMember,
  jsonString,
  jsonUnsigned,
  StringTable,
  TensorDataReader,
  TensorJsonWriter,
  TensorMemory,
} from './json/index.ts';
export { type CountProblem, countElements, MAX_TENSOR_SIZE, shapeToString, type WireDim } from './shape.ts';
export { type StatusCode, StatusError, statusCodeName } from './status.ts';
export type { Tensor } from './tensor.ts';
export {
  isNumeric,
  type NumericDataType,
  type TensorArray,
  type TypedArrayByDataType,
  typedView,
} from './typed-view.ts';
