export {
  DALI_TYPES,
  type ElementType,
  elementByteSize,
  elementTypeOf,
  elementTypeOfProtocol,
  protocolType,
} from './data-type.ts';
export { type Argument, type InputOutput, type OpDef, type PipelineDef, PipelineFormatError } from './pipeline-def.ts';
export { PIPELINE_LIMITS, readPipeline } from './read-pipeline.ts';
export { writePipeline } from './write-pipeline.ts';
