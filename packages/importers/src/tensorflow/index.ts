export { type DataType, dataTypeFor, elementTypeFor } from './data-type.ts';
export { decodeGraphDef } from './decode.ts';
export { encodeGraphDef, encodeGraphDefChunks } from './encode.ts';
export type { AttrList, AttrValue, GraphDef, NodeDef, Shape, TensorConstant } from './graph-def.ts';
export {
  type GraphDefImportOptions,
  type GraphDefInput,
  type ImportedModel,
  importGraphDef,
} from './import-graph-def.ts';
export type { GraphDefLimits } from './limits.ts';
export { MATCH_BYTES, matchGraphDef } from './match.ts';
export { tensorflowOps } from './ops/index.ts';
export type { TfOp } from './tf-op.ts';
