export { float, floats, graph, int, ints, string, tensor } from './builder/attributes.ts';
export { type BuildOptions, GraphBuilder, type NodeOptions, TARGET_OPSET } from './builder/graph-builder.ts';
export {
  cast,
  int64s,
  type ReduceOperator,
  reduce,
  reshape,
  type SliceArguments,
  slice,
  split,
  squeeze,
  transpose,
  unsqueeze,
} from './builder/operators.ts';
export { checkModel, findProblems } from './check-model.ts';
export { constantElements, numericConstant, rawConstant, stringConstant } from './constant.ts';
export { readModel } from './decode/model.ts';
export {
  ELEMENT_TYPES,
  type ElementType,
  elementBits,
  elementTypeCode,
  elementTypeOf,
  rawByteLength,
} from './element-type.ts';
export { encodeModel, writeModel } from './encode/model.ts';
export { describeForeignFile, FOREIGN_FILE_BYTES } from './foreign-file.ts';
export { bfloat16ToNumber, halfToNumber, numberToBfloat16, numberToHalf } from './half-float.ts';
export { MAX_PROTOBUF_BYTES, type ReadLimits } from './limits.ts';
export type {
  Attribute,
  AttributeKind,
  ConstantTensor,
  Dimension,
  Graph,
  Model,
  ModelFunction,
  Node,
  SparseConstantTensor,
  TensorContent,
  TensorType,
  ValueInfo,
  ValueType,
} from './model.ts';
export { OnnxError, type OnnxErrorCode } from './onnx-error.ts';
export { elementCount } from './shape.ts';
