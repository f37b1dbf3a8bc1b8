export {
  type ImportModelOptions,
  type ImportModelResult,
  importModel,
  MODEL_FORMATS,
  type ModelFormat,
} from './import-model.ts';
export {
  type ConversionReport,
  ImportError,
  type ImportErrorCode,
  type OpFacts,
  OpRegistry,
  type ReportedTensor,
} from './shared/index.ts';
export {
  type AttrList,
  type AttrValue,
  type DataType,
  dataTypeFor,
  decodeGraphDef,
  elementTypeFor,
  encodeGraphDef,
  encodeGraphDefChunks,
  type GraphDef,
  type GraphDefImportOptions,
  type GraphDefLimits,
  type ImportedModel,
  importGraphDef,
  type NodeDef,
  type Shape,
  type TensorConstant,
  tensorflowOps,
} from './tensorflow/index.ts';
